import type { Writable } from "node:stream";
import { CameraReason } from "@sightline/contracts";
import type { FfmpegProgram, Orientation } from "@sightline/media";
import { type CameraTarget, sourceKind } from "./address/camera-url.ts";
import { type CameraFault, CameraFaultError, describeReason, withoutParameters } from "./camera-fault.ts";
import type { CameraWay } from "./camera-way.ts";
import { FramePipe } from "./frames/frame-pipe.ts";
import { type ArrivedSound, SoundReceiver } from "./frames/sound-receiver.ts";
import { RtspRelay, relayDescription } from "./relay/rtsp-relay.ts";
import { CameraSession, type CameraSessionOptions } from "./session/camera-session.ts";
import type { CameraOffer } from "./session/sdp.ts";
import { openSource } from "./sources/open-source.ts";
import type { PictureSource } from "./sources/picture-source.ts";

/** Data that arrives while this much waits for a slow ffmpeg is lost, if the camera cannot be made to wait (UDP). */
const mostBacklog = 4 * 1024 * 1024;

/** Every decoder is sometimes behind for less than this. */
const heldBackMs = 1_000;

/** A complete compressed picture, before ffmpeg gets it. */
export interface ArrivedPicture {
  /** The stream's own time in microseconds, from 0 at the connection's first picture. */
  ptsUs: number;
  /** The time in microseconds that ffmpeg uses for it: the same, but made unique where the stream's own time stands still. */
  decoderPtsUs: number;
  /** Whether a decoder can start here. */
  key: boolean;
  /** How this picture and those that depend on it must be turned to be upright; only on key pictures. */
  orientation: Orientation | undefined;
  /** NAL units with start codes; the memory is not changed later. */
  data: Uint8Array;
  /** Arrival of its last packet, by performance.now(). */
  arrivedAt: number;
}

export interface StreamOptions extends CameraSessionOptions {
  /** Demuxes files and HLS. */
  ffmpeg: FfmpegProgram;
}

/** The sound of a stream: its coding (AudioSpecificConfig), or why there is none although it was requested. */
export type StreamSound = { config: Buffer } | { fault: string };

/** The part of a session that a camera's stream uses. */
type StreamSession = Pick<CameraSession, "transport" | "ended" | "dropped" | "pause" | "resume" | "stop">;

/**
 * One video track of a camera, received by our own connection and passed on to an ffmpeg of this machine: picture by picture through its
 * stdin; or, for an RTSP stream that is neither H.264 nor H.265, as RTP over loopback. ffmpeg never sees the camera's address, password
 * or redirects. A slow ffmpeg makes a TCP camera wait.
 */
export class CameraStream {
  readonly transport: "tcp" | "udp";
  readonly offer: CameraOffer;
  /** Called with each RTP (channel 0) and RTCP (channel 1) packet, including the 4-byte header of interleaved packets. */
  onPacket: ((packet: Buffer) => void) | undefined;
  readonly #session: StreamSession;
  readonly #way: CameraWay;
  /** Undefined when no sound was requested. */
  readonly sound: StreamSound | undefined;
  readonly #sound: SoundReceiver | undefined;
  #fault: CameraFaultError | undefined;
  #dropped = 0;
  #cameraEnded = false;
  /** Since when ffmpeg has not been taking the data, by performance.now(). */
  #heldSince: number | undefined;
  #stopping = false;

  private constructor(
    session: StreamSession,
    offer: CameraOffer,
    way: CameraWay,
    sound?: CameraSession["sound"],
  ) {
    this.transport = session.transport;
    this.offer = offer;
    this.#session = session;
    this.#way = way;
    this.sound = sound && ("fault" in sound ? sound : { config: sound.track.config });
    this.#sound = sound && "track" in sound ? new SoundReceiver(sound.track) : undefined;
    void session.ended.then((fault) => {
      this.#fault ??= fault;
      this.#cameraEnded = !this.#stopping;
      way.finish();
    });
    void way.ended.then(() => this.stop());
  }

  /** Connects and sets up; the stream starts with `feed`. @throws CameraFaultError, also when `signal` aborts */
  static async open(
    target: CameraTarget,
    options: StreamOptions,
    signal: AbortSignal,
  ): Promise<CameraStream> {
    if (sourceKind(target) === "rtsp")
      return CameraStream.#ofRtsp(await CameraSession.open(target, options, signal));
    const timely = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(options.timeoutMs))]);
    return CameraStream.#ofPictures(await openSource(target, options, timely), options.sound === true);
  }

  static async #ofRtsp(session: CameraSession): Promise<CameraStream> {
    let stream: CameraStream | undefined;
    const source = {
      description: relayDescription(session.track),
      play: () =>
        session.play().catch((error: unknown) => {
          if (stream && error instanceof CameraFaultError) stream.#fault ??= error;
          throw error;
        }),
      report: (packet: Buffer) => session.send(packet),
      drained: () => {
        if (stream) stream.#drained();
      },
    };
    const way = FramePipe.of(session.track, source) ?? (await RtspRelay.listen(source));
    const { track: video, videoTracks, offeredSound: sound } = session;
    const opened = new CameraStream(session, { video, videoTracks, sound }, way, session.sound);
    session.onPacket = (packet) => opened.#packet(packet);
    session.onSoundPacket = (packet) => opened.#sound?.push(packet, performance.now());
    stream = opened;
    return opened;
  }

  static #ofPictures(source: PictureSource, isSoundWanted: boolean): CameraStream {
    const { codec, ticksPerSecond, offer, ended } = source;
    const way = FramePipe.ofPictures(codec, ticksPerSecond, {
      play: async () => source.play(),
      drained: () => stream.#drained(),
    });
    const session = {
      ...{ transport: "tcp" as const, ended, dropped: 0 },
      pause: () => source.pause(),
      resume: () => source.resume(),
      stop: () => source.stop(),
    };
    const fault = "sound is recorded of RTSP cameras only, not of HTTP, HLS and files";
    const stream = new CameraStream(session, offer, way, isSoundWanted ? { fault } : undefined);
    source.onPicture = (picture) => {
      if (!way.give(picture)) stream.#hold();
    };
    return stream;
  }

  /** Arguments for the ffmpeg that receives this stream, up to and including its input. */
  get inputArguments(): readonly string[] {
    return this.#way.inputArguments;
  }

  /** Whether `onFrame` is called for each picture; if not, ffmpeg's report says what arrives. */
  get tellsFrames(): boolean {
    return this.#way instanceof FramePipe;
  }

  /** Called with each picture when it has arrived. */
  set onFrame(take: (picture: ArrivedPicture) => void) {
    const way = this.#way;
    if (!(way instanceof FramePipe)) return;
    const microseconds = (ticks: number) => Math.round((ticks / way.ticksPerSecond) * 1e6);
    way.onFrame = ({ ticks, ...frame }, decoderTicks) => {
      const ptsUs = microseconds(ticks);
      this.#sound?.picture(ptsUs, frame.arrivedAt);
      take({ ptsUs, decoderPtsUs: microseconds(decoderTicks), ...frame });
    };
  }

  /** Called with each frame of sound when it has arrived. */
  set onSound(take: (sound: ArrivedSound) => void) {
    if (this.#sound) this.#sound.onSound = take;
  }

  /** Why the received data could not be decoded, as far as the stream shows. */
  get decodeFault(): CameraFault {
    const way = this.#way;
    if (way instanceof FramePipe && !way.hasParameters) return withoutParameters;
    const byUdp = this.transport === "udp" ? "packets may be lost on the way: use transport tcp" : undefined;
    return describeReason(CameraReason.DECODE_FAILURE, byUdp);
  }

  /** Leaves the camera's orientation messages in the stream for ffmpeg; otherwise only `onFrame` gets the orientation. */
  keepOrientation(): void {
    if (this.#way instanceof FramePipe) this.#way.keepOrientation();
  }

  /** Starts the stream into the stdin of an ffmpeg that was started with `inputArguments`. */
  feed(stdin: Writable): void {
    this.#way.feed(stdin);
  }

  /** Why the camera's side ended; undefined if the camera closed it normally or `stop` was called. */
  get fault(): CameraFaultError | undefined {
    return this.#fault;
  }

  /** Whether the camera's side ended the stream, not `stop` or ffmpeg. */
  get cameraEnded(): boolean {
    return this.#cameraEnded;
  }

  /** Whether data waits or is lost because ffmpeg does not take it; then a silence is not the camera's fault. */
  get heldBack(): boolean {
    return this.#heldSince !== undefined && performance.now() - this.#heldSince > heldBackMs;
  }

  /** Packets lost because ffmpeg was too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Packets that were ignored because the camera sends more by UDP than it may. */
  get refused(): number {
    return this.#session.dropped;
  }

  /** Ends the session at the camera and ffmpeg's input. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#way.close();
    await this.#session.stop();
  }

  #packet(packet: Buffer): void {
    this.onPacket?.(packet);
    const way = this.#way;
    if (way instanceof FramePipe)
      this.#sound?.videoReport(packet, (timestamp) => {
        const ticks = way.ticksAt(timestamp);
        return ticks === undefined ? undefined : (ticks / way.ticksPerSecond) * 1e6;
      });
    if (this.transport === "udp" && this.#way.backlog > mostBacklog) {
      this.#dropped += 1;
      this.#heldSince ??= performance.now();
      return;
    }
    if (!this.#way.push(packet, performance.now())) this.#hold();
  }

  /** Makes the camera wait for a slow ffmpeg. */
  #hold(): void {
    if (this.transport === "tcp") this.#heldSince ??= performance.now();
    this.#session.pause();
  }

  #drained(): void {
    this.#heldSince = undefined;
    this.#session.resume();
  }
}
