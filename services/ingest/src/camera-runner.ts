import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import {
  type Backoff,
  CameraReason,
  CameraState,
  DropReason,
  frameMessageBytes,
  pixelFormatOf,
  type ServedModel,
} from "@sightline/contracts";
import type {
  DecodeChoice,
  DecodingMachine,
  FfmpegProgram,
  HardwareDecoder,
  Orientation,
} from "@sightline/media";
import type { CodedSound } from "@sightline/recording";
import type { CameraAccess, CameraFault, StreamSound } from "@sightline/rtsp";
import {
  type Buckets,
  type CameraSecrets,
  type LeasedWork,
  type LeaseEnd,
  type Logger,
  type Nats,
  type ServerClock,
  type Tracing,
  untilAborted,
} from "@sightline/service";
import { SteadyWallClock } from "@sightline/service/clock";
import { type AnalysisGeometry, sameGeometry } from "./analysis-geometry.ts";
import { type CameraSettings, needsReconnect, readRecordSecret, readSecret } from "./camera-settings.ts";
import { CameraSubjects } from "./camera-subjects.ts";
import type { DeliveredTokens } from "./delivered-tokens.ts";
import type { DecoderEvents } from "./ffmpeg-decoder.ts";
import { FrameBuffers } from "./frame-buffers.ts";
import { describeFrame } from "./frame-metadata.ts";
import { FrameQueue } from "./frame-queue.ts";
import { FrameRhythm } from "./frame-rhythm.ts";
import type { FrameSharing } from "./frame-sharing.ts";
import { HandedFrames } from "./handed-frames.ts";
import { Ledger, uncounted } from "./ledger.ts";
import { CameraVideo } from "./live-video/camera-video.ts";
import { VideoOutlet } from "./masking/video-outlet.ts";
import { PictureForm } from "./picture-form.ts";
import { PictureSubject } from "./pictures/picture-subject.ts";
import type { Pictures } from "./pictures/pictures.ts";
import { CameraRecorder } from "./recording/camera-recorder.ts";
import type { Recordings } from "./recording/recordings.ts";
import { VideoSource } from "./recording/video-source.ts";
import type { SharePlan } from "./shares/share-plan.ts";
import { SoundTrial } from "./sound-trial.ts";
import type { StartLimit } from "./start-limit.ts";
import { StatusReporter } from "./status-reporter.ts";
import { StreamFacts } from "./stream-facts.ts";
import { runSession, type SessionFault } from "./stream-session.ts";
import { TokenPublisher } from "./token-publisher.ts";

/** A stream that has given pictures for so long has proved itself: its next failure is a new one. */
const steadyMs = 10_000;
/** A camera that another process takes over is left when a frame has just come, so that the next is that one's; this long it is waited for. */
const betweenFramesMs = 250;
/** So long the outcome of frames that have come is waited for then. */
const settleMs = 300;
const settleStepMs = 5;
/** A camera that was asked while another process had it may never answer: after so long without that one it is asked anew. */
const hangMs = 1_000;

/** What every camera of a process shares. */
export interface RunnerContext {
  nats: Nats;
  buckets: Pick<Buckets, "cameraStatus" | "leases" | "holders">;
  secrets: CameraSecrets;
  serverClock: ServerClock;
  /** Name of this process. */
  ingest: string;
  ffmpeg: FfmpegProgram;
  stallMs: number;
  /** What decodes the cameras that do not say it. */
  decode: DecodeChoice;
  /** What can decode here. */
  decodingMachine: () => DecodingMachine;
  /** Where cameras may be. */
  access: CameraAccess;
  /** The model as workers serve it now; undefined when none does. */
  servedModel: (name: string) => (ServedModel & AnalysisGeometry) | undefined;
  /** Told of each frame that is in memory, with the seconds since it arrived. */
  decoded: (camera: string, seconds: number) => void;
  pictures: Pictures;
  recordings: Recordings;
  sharing: FrameSharing;
  delivered: DeliveredTokens;
  shares: SharePlan;
  tracing: Tracing;
  limits: {
    /** Cameras that are being connected. */
    connects: StartLimit;
    /** Decoders that are being started. */
    decoders: StartLimit;
  };
}

/**
 * Receives one camera for as long as this process holds its lease: one epoch. It may get ready before, while another process has it:
 * then it is connected, and nothing of it is counted, recorded, answered or told until `begin`.
 */
export class CameraRunner implements LeasedWork {
  readonly camera: string;
  readonly ledger = new Ledger();
  readonly recorder: CameraRecorder;
  readonly video: CameraVideo;
  readonly facts = new StreamFacts();
  readonly #context: RunnerContext;
  readonly #log: Logger;
  readonly #epoch = randomBytes(6).toString("hex");
  readonly #clock = new SteadyWallClock();
  readonly #soundTrial = new SoundTrial();
  readonly #backoff: Backoff;
  readonly #queue: FrameQueue;
  readonly #tokens: TokenPublisher;
  readonly #handed: HandedFrames;
  #subjects: CameraSubjects | undefined;
  readonly #pictures: PictureSubject;
  readonly #source: VideoSource;
  readonly #status: StatusReporter;
  readonly #running: Promise<void>;
  #rhythm: FrameRhythm;
  #settings: CameraSettings;
  #geometry: AnalysisGeometry | undefined;
  readonly #form = new PictureForm();
  /** Aborts the session or the waiting before the next. */
  #round = new AbortController();
  #stopped = false;
  /** It has the lease. */
  #begun = false;
  readonly #beginning = new AbortController();
  readonly #ready = Promise.withResolvers<boolean>();
  /** It is going to be stopped in a moment: one that loses its camera does not connect again. */
  #leaving = false;
  #sealing: Promise<void> | undefined;
  /** The camera is asked for its stream, or gives it. */
  #connects = false;
  #receives = false;
  /** Told of the next frame that arrives. */
  #arrival = Promise.withResolvers<void>();
  /** The camera's connection has ended, whatever is left to be done. */
  #left = Promise.resolve();

  /** `backoff` has the camera's failures before this epoch. `begin` follows when the lease is there. */
  constructor(
    camera: string,
    settings: CameraSettings,
    backoff: Backoff,
    context: RunnerContext,
    log: Logger,
  ) {
    const { nats, buckets } = context;
    this.camera = camera;
    this.#backoff = backoff;
    this.#rhythm = new FrameRhythm(context.stallMs);
    this.#settings = settings;
    this.#context = context;
    this.#log = log.child({ camera, epoch: this.#epoch });
    this.recorder = new CameraRecorder(camera, context.recordings, () => this.#source.status);
    this.#tokens = new TokenPublisher(
      nats,
      context.delivered,
      camera,
      this.#epoch,
      settings.model,
      this.#log,
    );
    const turns = context.shares.turnsOf(camera, () => this.#settings.model);
    this.#queue = new FrameQueue(this.ledger, (token) => void this.#tokens.offer(token), turns);
    this.#tokens.attach(this.#queue);
    const inferred = () => this.facts.infer();
    this.#handed = new HandedFrames(
      nats,
      context.serverClock,
      camera,
      this.#epoch,
      this.ledger,
      inferred,
      (handle) => context.sharing.free(handle),
      this.#log,
    );
    this.#pictures = new PictureSubject(nats, camera, this.#epoch, context.pictures);
    this.video = new CameraVideo(() => outlet.newest);
    const outlet = new VideoOutlet({
      ...{ ffmpeg: context.ffmpeg, recorder: this.recorder, video: this.video, log: this.#log },
      recent: () => this.#source.newest ?? this.#pictures.newest,
    });
    this.#source = new VideoSource(outlet, settings, this.#recordParts());
    const { ingest } = context;
    const numbers = () => ({
      ...this.facts.status,
      ingest,
      epoch: this.#epoch,
      ledger: this.ledger.snapshot(),
      failedAttempts: this.#backoff.failures,
      unanalysedSeconds: this.unanalysedSeconds,
      recording: this.recorder.status,
      promisedFps: this.floor.promisedFps,
    });
    this.#status = new StatusReporter(buckets.cameraStatus, camera, numbers, this.#log);
    this.ledger.count(false);
    this.#running = this.#run();
  }

  /** Whether it can go on at once when it has the lease: false when the camera cannot be had twice, or cannot be had. */
  get ready(): Promise<boolean> {
    return this.#ready.promise;
  }

  /** Whether the camera sends, though there may be no picture yet. */
  get receives(): boolean {
    return this.#receives;
  }

  /** The lease is there: frames that arrive from now on are this epoch's. */
  begin(): void {
    if (this.#begun || this.#stopped) return;
    this.#begun = true;
    const { camera } = this;
    const { nats, sharing, tracing } = this.#context;
    const parts = { queue: this.#queue, handed: this.#handed, pictures: this.#pictures };
    const shared = { ...parts, sharing, tracing };
    this.#subjects = new CameraSubjects(nats, { camera, epoch: this.#epoch, ...shared }, this.#log);
    this.#pictures.start();
    this.#source.start(this.#settings);
    this.#status.start();
    this.ledger.count(true);
    this.modelChanged();
    this.#beginning.abort();
    if (this.#connects && !this.#receives) this.#endIfHanging(this.#round);
  }

  /** What began to connect while another process had the camera goes on, unless it hangs. */
  #endIfHanging(round: AbortController): void {
    const end = () => {
      if (!this.#receives) round.abort();
    };
    setTimeout(end, hangMs).unref();
  }

  /** Whether frames arrive. */
  get live(): boolean {
    return this.#status.state === CameraState.LIVE;
  }

  /** Seconds for which frames have come and none was analysed, beyond the time between two of the rate asked for. */
  get unanalysedSeconds(): number {
    const { targetFps } = this.#settings;
    return this.facts.analysis.missingSeconds(targetFps === 0 ? 0 : 1 / targetFps);
  }

  /** Frames per second that it is to get first, and what is held of them now. */
  get floor(): ReturnType<SharePlan["floorOf"]> {
    return this.#context.shares.floorOf(this.camera);
  }

  /** The settings in use. */
  get settings(): Readonly<CameraSettings> {
    return this.#settings;
  }

  /** Takes new settings; the stream goes on where they allow it. */
  update(settings: CameraSettings): void {
    const old = this.#settings;
    this.#settings = settings;
    if (!isDeepStrictEqual(old.recording, settings.recording)) this.recorder.disconnected();
    if (old.model !== settings.model) {
      this.#queue.clear();
      this.#tokens.useModel(settings.model);
      this.modelChanged();
    }
    this.#source.update(settings);
    // At once: what was taken before shows what may not be seen now.
    if (!isDeepStrictEqual(old.privacy, settings.privacy)) this.#pictures.forget();
    if (needsReconnect(old, settings)) {
      this.#log.info("settings changed; reconnecting");
      this.#form.reset();
      this.#soundTrial.reset();
      this.#queue.clear();
      if (!this.live) this.#status.set(CameraState.CONNECTING);
      this.#backoff.reset();
      this.#rhythm = new FrameRhythm(this.#context.stallMs);
      this.#round.abort();
    }
  }

  /** Workers began or ceased to serve a model, or serve it with another input. */
  modelChanged(): void {
    const served = this.#context.servedModel(this.#settings.model);
    if (served && !(this.#geometry && sameGeometry(this.#geometry, served))) this.#round.abort();
    else if (this.live) this.#reportLive();
  }

  /** NATS was away and is back. */
  natsReturned(): void {
    this.#handed.restartClock();
    void this.#tokens.check();
  }

  /** It will be stopped in a moment. Returns whether frames are missed then until another has the camera. */
  leave(): boolean {
    this.#leaving = this.live;
    return this.live;
  }

  /** Ends all of the epoch that others see, and the camera's connection unless another process `isPassed` the camera on its own. */
  seal(why: LeaseEnd, isPassed: boolean): Promise<void> {
    this.#sealing ??= this.#seal(why, isPassed);
    return this.#sealing;
  }

  /** Ends the epoch. */
  async stop(why: LeaseEnd): Promise<void> {
    await this.seal(why, false);
    const parts = [this.#tokens, this.#handed, this.#pictures, this.recorder, this.video];
    await Promise.all([this.#running, this.#source.stop(), ...parts.map((part) => part.stop())]);
  }

  async #seal(why: LeaseEnd, isPassed: boolean): Promise<void> {
    if (isPassed) {
      await Promise.race([this.#arrival.promise, delay(betweenFramesMs)]);
      this.ledger.count(false);
      for (let waited = 0; waited < settleMs && this.ledger.inFlight > 0; waited += settleStepMs)
        await delay(settleStepMs);
    }
    this.#stopped = true;
    this.ledger.count(false);
    this.#ready.resolve(false);
    this.#round.abort();
    this.#source.end();
    this.#queue.clear();
    this.ledger.dropRest(DropReason.CAMERA_STOPPED, (number) => this.#handed.has(number));
    this.#subjects?.stop();
    // A camera may serve only one.
    if (!isPassed) await Promise.all([this.#left, this.#source.stop()]);
    await this.#status.stop(why, isPassed);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#round = new AbortController();
      const { signal } = this.#round;
      const served = this.#context.servedModel(this.#settings.model);
      const geometry = served ?? this.#geometry;
      if (!geometry) {
        this.#reportDown(this.#notServed());
        this.#ready.resolve(false);
        await untilAborted(signal);
      } else {
        this.#useGeometry(geometry);
        await untilAborted(AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(this.#backoff.waitMs))]));
        const fault = (await this.#secretFault()) ?? (await this.#session(geometry, signal));
        if (!fault) continue;
        if (fault.hardware) {
          // Not the camera's fault: another decoder takes it up at once.
          this.#decoderFailed(fault.hardware);
          continue;
        }
        await this.#failed(fault, signal);
      }
    }
  }

  async #failed(fault: CameraFault, signal: AbortSignal): Promise<void> {
    if (!this.#begun) {
      // The camera may serve only one, and another process has it.
      this.#log.debug({ reason: fault.reason }, "the camera cannot be had before its lease");
      this.#ready.resolve(false);
      await untilAborted(AbortSignal.any([signal, this.#beginning.signal]));
    } else if (this.#leaving) await untilAborted(signal);
    else {
      this.#backoff.fail();
      this.#reportDown(fault);
    }
  }

  /** A password that could not be read may be readable by now. */
  async #secretFault(): Promise<SessionFault | undefined> {
    const settings = this.#settings;
    if (settings.secretFault === undefined) return undefined;
    const { secret, secretFault } = await readSecret(this.#context.secrets, this.camera).catch(
      () => settings,
    );
    if (this.#settings === settings) this.#settings = { ...settings, secret, secretFault };
    if (secretFault === undefined) return undefined;
    return {
      reason: CameraReason.UNAUTHORIZED,
      message: `its user and password cannot be read: ${secretFault}; or set the camera's URL, with user and password, again`,
    };
  }

  /** What a stream that is recorded in place of the analysed one needs. */
  #recordParts(): ConstructorParameters<typeof VideoSource>[2] {
    const { ffmpeg, access, stallMs, limits, pictures, secrets } = this.#context;
    return {
      ...{ ffmpeg, access, stallMs, connects: limits.connects, limits: pictures.streamLimits },
      ...{ clock: this.#clock, log: this.#log },
      wanted: () => this.recorder.wanted || this.video.viewers > 0,
      secret: async (source) =>
        source.secretFault === undefined
          ? source
          : readRecordSecret(secrets, this.camera, source.uri).catch(() => source),
    };
  }

  #useGeometry(geometry: AnalysisGeometry): void {
    // A frame made for another input is of no use to the workers that serve the model now.
    if (this.#geometry && !sameGeometry(this.#geometry, geometry)) this.#queue.clear();
    this.#geometry = geometry;
  }

  async #session(geometry: AnalysisGeometry, signal: AbortSignal): Promise<SessionFault | undefined> {
    const { ffmpeg, access, limits } = this.#context;
    const rhythm = this.#rhythm;
    const connected = await limits.connects.enter(this.#backoff.failures, signal);
    if (!connected) return undefined;
    this.#connects = true;
    const { camera } = this;
    const origin = { camera, epoch: this.#epoch, registeredAt: this.#settings.registeredAt };
    const { width, height, pixelFormat } = geometry;
    const buffers = new FrameBuffers(frameMessageBytes(width, height, pixelFormatOf(pixelFormat)));
    rhythm.connect();
    const left = Promise.withResolvers<void>();
    this.#left = left.promise;
    let first = true;
    let firstPictureAt: number | undefined;
    const events: Omit<DecoderEvents, "started"> = {
      arrived: (picture) => {
        const { key, orientation, data, decoderPtsUs: ptsUs, arrivedAt } = picture;
        if (orientation !== undefined) this.#turn(orientation);
        if (signal.aborted) return;
        const coded = { key, orientation, data, ptsUs, arrivedAt, captureMs: this.#clock.at(arrivedAt) };
        this.#pictures.arrived(coded);
        this.#source.push(coded);
      },
      packet: ({ counted, arrivedAt }) => {
        if (first) this.facts.connected();
        if (first) connected();
        first = false;
        this.#receives = true;
        rhythm.arrive(arrivedAt);
        if (this.#begun) this.facts.analysis.arrive();
        if (!counted) return;
        if (this.#begun) this.facts.captured.mark();
        this.#arrival.resolve();
        this.#arrival = Promise.withResolvers();
      },
      picture: (picture) => {
        // Only the pictures tell, and only ffmpeg's start can change its filters: the camera is connected once more.
        if (this.#form.see(picture)) {
          this.#log.info("the camera's pictures are interlaced; reconnecting to join their fields");
          this.#round.abort();
        }
        this.facts.picture(picture);
        if (!signal.aborted) this.#ready.resolve(true);
        firstPictureAt ??= performance.now();
        if (performance.now() - firstPictureAt > steadyMs) this.#backoff.reset();
        if (!this.live) this.#reportLive();
      },
      codec: (name) => {
        this.facts.codec = name;
      },
      frame: (frame, message) => {
        if (frame.number === uncounted) return buffers.give(message);
        const readyAt = performance.now();
        this.facts.stamp(frame.arrivalSource);
        const metadata = describeFrame(origin, frame, geometry, readyAt, this.#clock);
        this.#context.decoded(this.camera, metadata.decodeUs / 1e6);
        this.#queue.put({ metadata, message, buffers, arrivedAt: frame.arrivedAt, readyAt });
        // It was made as the settings of before said.
        if (signal.aborted) this.#queue.clear();
      },
    };
    const start = (aborted: AbortSignal) => limits.decoders.enter(this.#backoff.failures, aborted);
    const settings = this.#settings;
    const stallMs = () => rhythm.limitMs;
    const { masks = [] } = settings.privacy ?? {};
    const privacy = masks.length > 0 ? settings.privacy : undefined;
    const shape = { ...this.#form.shape, masks };
    const ledger = this.ledger;
    const decoding = (codec: string, sound: StreamSound | undefined) => {
      this.#pictures.connected(codec, shape);
      this.#source.connected(codec, shape, privacy, sound);
      const choice = this.#settings.decode ?? this.#context.decode;
      this.facts.decoding = this.#form.decoding(codec, choice, this.#context.decodingMachine());
      return this.facts.decoding;
    };
    const options = {
      ...{ ffmpeg, settings, access, geometry, ...shape, decoding },
      ...{ stallMs, ledger, buffers, start, soundTrial: this.#soundTrial },
      left: left.resolve,
      sound: (frame: CodedSound) => {
        if (!signal.aborted) this.#source.pushSound(frame);
      },
    };
    try {
      const fault = await runSession(options, events, signal, this.#log);
      if (fault?.reason === CameraReason.STALLED) rhythm.stall();
      return fault;
    } finally {
      left.resolve();
      this.#connects = false;
      this.#receives = false;
      connected();
      this.#source.disconnected();
      this.facts.analysis.end();
    }
  }

  /** Only ffmpeg's start can change its filters: the camera is connected once more. */
  #turn(orientation: Orientation): void {
    if (!this.#form.turn(orientation)) return;
    this.#log.info(
      { orientation },
      "the camera says that its pictures are rotated; reconnecting to turn them",
    );
    this.#round.abort();
  }

  #decoderFailed({ decoder, words }: { decoder: HardwareDecoder; words: string }): void {
    this.#log.warn({ decoder, ffmpeg: words }, "the decoder on the GPU failed; another takes its place");
    this.#form.fail(decoder, words);
    this.facts.decoderFailures += 1;
  }

  #reportLive(): void {
    const fault = this.#context.servedModel(this.#settings.model) ? undefined : this.#notServed();
    this.#status.set(CameraState.LIVE, fault?.reason, fault?.message);
  }

  #reportDown({ reason, message }: CameraFault): void {
    this.#status.set(CameraState.DOWN, reason, message);
    this.#pictures.cameraDown();
  }

  #notServed(): CameraFault {
    return {
      reason: CameraReason.MODEL_NOT_SERVED,
      message: `no inference worker serves model '${this.#settings.model}'; start one, or choose another model`,
    };
  }
}
