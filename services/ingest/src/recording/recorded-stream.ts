import { Writable } from "node:stream";
import {
  Backoff,
  CameraReason,
  CameraState,
  type PrivacySettings,
  type RecordStreamStatus,
} from "@sightline/contracts";
import type { FfmpegProgram } from "@sightline/media";
import {
  type CodedPicture,
  isRecordedCodec,
  type ParameterSets,
  parameterSetsOf,
  pictureSize,
  RecentPictures,
  type RecentPicturesLimits,
  type RecordedCodec,
} from "@sightline/recording";
import {
  type ArrivedPicture,
  type CameraAccess,
  type CameraFault,
  CameraStream,
  describeReason,
  type StreamSound,
} from "@sightline/rtsp";
import { type Logger, pause } from "@sightline/service";
import type { SteadyWallClock } from "@sightline/service/clock";
import { endOf, judgeArrivals, openStream, SoundTrial, steadyMs } from "../camera-connection.ts";
import type { RecordSource } from "../camera-settings.ts";
import { FrameRhythm } from "../frame-rhythm.ts";
import { lookEvery } from "../look-every.ts";
import type { VideoOutlet } from "../masking/video-outlet.ts";
import type { PictureShape } from "../pictures/pictures.ts";
import { reconnectRange, type StartLimit } from "../start-limit.ts";
import { RateMeter } from "../stream-facts.ts";

const watchMs = 250;
/** A stream that nobody wants is kept for this long. */
const idleMs = 10_000;
/** Nothing waits here: pictures are taken as they arrive, and other readers have their own limits. */
const neverFull = Number.MAX_SAFE_INTEGER;

export interface RecordedStreamParts {
  /** Receives its pictures; nothing else writes to it meanwhile. */
  outlet: VideoOutlet;
  privacy: PrivacySettings | undefined;
  /** Whether somebody records or watches it now. */
  wanted: () => boolean;
  /** User and password, read again if they could not be read before; with the reason if they still cannot. */
  secret: (source: RecordSource) => Promise<Pick<RecordSource, "secret" | "secretFault">>;
  ffmpeg: FfmpegProgram;
  access: CameraAccess;
  stallMs: number;
  connects: StartLimit;
  limits: RecentPicturesLimits;
  clock: SteadyWallClock;
  log: Logger;
}

/**
 * The stream of a camera that is recorded and watched, where it differs from the analysed one: it has its own connection
 * and its own failures, which do not affect the analysis. Nothing is decoded. It is connected while somebody wants it.
 */
export class RecordedStream {
  readonly #source: RecordSource;
  readonly #parts: RecordedStreamParts;
  readonly #stopping = new AbortController();
  readonly #backoff = new Backoff(reconnectRange);
  readonly #rhythm: FrameRhythm;
  readonly #rate = new RateMeter();
  readonly #soundTrial = new SoundTrial();
  readonly #running: Promise<void>;
  #recent: RecentPictures | undefined;
  #state: CameraState = CameraState.PENDING;
  #fault: CameraFault | undefined;
  #codec = "";
  #size = { width: 0, height: 0 };
  #connections = 0;
  #wantedAt = 0;

  constructor(source: RecordSource, parts: RecordedStreamParts) {
    this.#source = source;
    this.#parts = parts;
    this.#rhythm = new FrameRhythm(parts.stallMs);
    this.#running = this.#run();
  }

  /** Its pictures since the newest key picture. */
  get newest(): readonly CodedPicture[] {
    return this.#recent?.newest() ?? [];
  }

  get status(): RecordStreamStatus {
    return {
      state: this.#state,
      reason: this.#fault?.reason ?? CameraReason.UNSPECIFIED,
      message: this.#fault?.message ?? "",
      codec: this.#codec.toLowerCase(),
      ...this.#size,
      captureFps: Math.round(this.#rate.perSecond * 100) / 100,
      reconnects: Math.max(0, this.#connections - 1),
      failedAttempts: this.#backoff.failures,
    };
  }

  /** Ends it; from this call on, none of its pictures goes to the outlet. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (!this.#isWanted()) {
        this.#set(CameraState.PENDING);
        await pause(watchMs, signal);
        continue;
      }
      await pause(Math.ceil(this.#backoff.waitMs), signal);
      if (signal.aborted) return;
      if (this.#state !== CameraState.DOWN) this.#set(CameraState.CONNECTING);
      const fault = await this.#attempt(signal);
      if (!fault || signal.aborted) continue;
      this.#backoff.fail();
      this.#set(CameraState.DOWN, fault);
    }
  }

  #isWanted(): boolean {
    const now = performance.now();
    if (this.#parts.wanted()) this.#wantedAt = now;
    return this.#wantedAt > 0 && now - this.#wantedAt < idleMs;
  }

  #set(state: CameraState, fault?: CameraFault): void {
    const { reason, message } = fault ?? {};
    const isOther = state !== this.#state || reason !== this.#fault?.reason;
    this.#state = state;
    this.#fault = fault;
    if (!isOther) return;
    if (fault) this.#parts.log.warn({ reason, message }, "the recorded stream gives no video");
    else this.#parts.log.info({ state }, "the state of the recorded stream has changed");
  }

  /** One connection. Returns why it ended, or undefined when no fault ended it. */
  async #attempt(signal: AbortSignal): Promise<CameraFault | undefined> {
    const { access, ffmpeg, connects, log } = this.#parts;
    const { secret, secretFault } = await this.#parts.secret(this.#source);
    if (secretFault !== undefined)
      return {
        reason: CameraReason.UNAUTHORIZED,
        message: `its user and password cannot be read: ${secretFault}; or set the URL of the recorded stream, with user and password, again`,
      };
    const done = await connects.enter(this.#backoff.failures, signal);
    if (!done) return undefined;
    const { uri, transport, sound: isSoundWanted } = this.#source;
    const sound = this.#soundTrial.asks(isSoundWanted);
    const choice = { uri, transport, videoTrack: 0, secret, access, ffmpeg, sound };
    const stream = await openStream(choice, signal, log).finally(done);
    if (!(stream instanceof CameraStream)) return stream;
    try {
      return await this.#receive(stream, signal);
    } finally {
      this.#recent = undefined;
      if (!signal.aborted) this.#parts.outlet.disconnected();
      await stream.stop();
      if (stream.refused > 0)
        log.warn(
          { packets: stream.refused },
          "the camera sent more than one camera may send; packets were lost",
        );
    }
  }

  async #receive(stream: CameraStream, signal: AbortSignal): Promise<CameraFault | undefined> {
    const { codec } = stream.offer.video;
    this.#codec = codec;
    const { outlet, privacy, limits } = this.#parts;
    const sound = stream.sound ?? this.#soundTrial.left(this.#source.sound);
    // The outlet tells viewers too.
    outlet.connected(codec, this.#shape(1), privacy, sound);
    if (!isRecordedCodec(codec))
      return {
        reason: CameraReason.UNSUPPORTED_CODEC,
        message: `video of the codec ${codec} cannot be recorded; set the stream to H.264 or H.265`,
      };
    this.#recent = new RecentPictures(codec, limits);
    const sink = new Writable({ highWaterMark: neverFull, write: (_data, _encoding, taken) => taken() });
    const closed = new Promise<void>((resolve) => sink.once("close", resolve));
    const end = () => sink.destroy();
    const seen: Seen = {
      startedAt: performance.now(),
      arrivedAt: undefined,
      keyAt: undefined,
      sets: undefined,
    };
    this.#rhythm.connect();
    stream.onFrame = (picture) => {
      if (!signal.aborted) this.#arrived(codec, seen, picture, sound);
    };
    stream.onSound = (frame) => {
      if (!signal.aborted) outlet.pushSound(frame);
    };
    let verdict: CameraReason | "unwanted" | undefined;
    const look = () => {
      verdict ??= this.#isWanted()
        ? judgeArrivals({ ...seen, hasKeyPicture: seen.keyAt !== undefined }, this.#rhythm.limitMs)
        : "unwanted";
      if (verdict !== undefined) end();
    };
    const endWatch = lookEvery(watchMs, look);
    signal.addEventListener("abort", end);
    try {
      stream.feed(sink);
      if (signal.aborted) end();
      await closed;
    } finally {
      endWatch();
      signal.removeEventListener("abort", end);
      stream.onFrame = () => undefined;
      stream.onSound = () => undefined;
    }
    if (!signal.aborted && verdict !== "unwanted")
      this.#soundTrial.ended(stream.sound, seen.arrivedAt !== undefined);
    if (signal.aborted || verdict === "unwanted") return undefined;
    if (verdict === CameraReason.STALLED) this.#rhythm.stall();
    return endOf(stream, verdict, seen.arrivedAt !== undefined) ?? describeReason(CameraReason.STREAM_ENDED);
  }

  #arrived(codec: RecordedCodec, seen: Seen, picture: ArrivedPicture, sound: StreamSound | undefined): void {
    const { outlet, privacy, clock } = this.#parts;
    const { key, orientation = 1, data, decoderPtsUs: ptsUs, arrivedAt } = picture;
    if (seen.arrivedAt === undefined) this.#connections += 1;
    seen.arrivedAt = arrivedAt;
    this.#rhythm.arrive(arrivedAt);
    this.#rate.mark();
    if (key) {
      seen.keyAt ??= arrivedAt;
      this.#lookAt(codec, seen, data);
      // Masks refer to the picture as displayed.
      if (privacy && orientation !== seen.orientation && (seen.orientation ?? 1) !== orientation)
        outlet.connected(codec, this.#shape(orientation), privacy, sound);
      seen.orientation = orientation;
      if (this.#state !== CameraState.LIVE) this.#set(CameraState.LIVE);
      if (arrivedAt - seen.keyAt > steadyMs) this.#backoff.reset();
    }
    const captureMs = clock.at(arrivedAt);
    const coded = { key, orientation: picture.orientation, data, ptsUs, arrivedAt, captureMs };
    this.#recent?.push(coded);
    outlet.push(coded);
  }

  #lookAt(codec: RecordedCodec, seen: Seen, data: Uint8Array): void {
    const sets = parameterSetsOf(codec, data, seen.sets);
    if (sets === seen.sets) return;
    seen.sets = sets;
    const { width = 0, height = 0 } = (sets && pictureSize(sets)) ?? {};
    this.#size = { width, height };
  }

  /** Nobody decodes the stream to see whether it is interlaced; progressive pictures pass unchanged. */
  #shape(orientation: PictureShape["orientation"]): PictureShape {
    return { interlaced: true, orientation, masks: this.#parts.privacy?.masks ?? [] };
  }
}

/** What a connection has seen; times by performance.now(). */
interface Seen {
  startedAt: number;
  arrivedAt: number | undefined;
  keyAt: number | undefined;
  sets: ParameterSets | undefined;
  orientation?: PictureShape["orientation"];
}
