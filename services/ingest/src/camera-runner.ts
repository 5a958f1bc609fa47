import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Backoff } from "@sightline/contracts";
import type { Buckets, LeasedWork, LeaseEnd, Logger } from "@sightline/service";
import { SteadyWallClock } from "@sightline/service/clock";
import { AnalysedStream, type StreamContext } from "./analysed-stream.ts";
import { CameraReception, type ReceptionContext } from "./camera-reception.ts";
import { type IngestCamera, needsReconnect, readRecordSecret } from "./camera-settings.ts";
import type { Ledger } from "./ledger.ts";
import { CameraVideo } from "./live-video/camera-video.ts";
import { VideoOutlet } from "./masking/video-outlet.ts";
import { type OfferContext, OfferedFrames } from "./offered-frames.ts";
import { PictureSubject } from "./pictures/picture-subject.ts";
import type { Pictures } from "./pictures/pictures.ts";
import { CameraRecorder } from "./recording/camera-recorder.ts";
import type { RecordingsOnDisk } from "./recording/recordings.ts";
import { VideoSource } from "./recording/video-source.ts";
import type { SharePlan } from "./shares/share-plan.ts";
import { StatusReporter } from "./status-reporter.ts";
import { StreamFacts } from "./stream-facts.ts";

/**
 * When another process takes a camera over, this one leaves it right after a frame, so that the next frame belongs to the
 * other process. It waits this long for that frame.
 */
const betweenFramesMs = 250;

/** What every camera of a process shares. */
export interface RunnerContext extends OfferContext, StreamContext, ReceptionContext {
  buckets: Pick<Buckets, "cameraStatus" | "leases" | "holders">;
  /** Name of this process. */
  ingest: string;
  pictures: Pictures;
  recordings: RecordingsOnDisk;
}

/**
 * Runs one camera while this process holds its lease: one epoch. It may prepare earlier, while another process has the
 * camera: it then connects, but counts, records, answers and reports nothing until `begin`.
 */
export class CameraRunner implements LeasedWork {
  readonly camera: string;
  readonly recorder: CameraRecorder;
  readonly video: CameraVideo;
  readonly facts = new StreamFacts();
  readonly #backoff: Backoff;
  readonly #context: RunnerContext;
  readonly #frames: OfferedFrames;
  readonly #pictures: PictureSubject;
  readonly #source: VideoSource;
  readonly #status: StatusReporter;
  readonly #stream: AnalysedStream;
  readonly #reception: CameraReception;
  /** True once the lease is held. */
  #begun = false;
  #stopped = false;
  #sealing: Promise<void> | undefined;

  /** `backoff` counts the camera's failures before this epoch. `begin` follows when the lease is held. */
  constructor(
    camera: string,
    settings: IngestCamera,
    backoff: Backoff,
    context: RunnerContext,
    parentLog: Logger,
  ) {
    const { nats, buckets, ingest, ffmpeg } = context;
    const epoch = randomBytes(6).toString("hex");
    const log = parentLog.child({ camera, epoch });
    const clock = new SteadyWallClock();
    this.camera = camera;
    this.#context = context;
    const inferred = () => this.facts.infer();
    this.#frames = new OfferedFrames({ camera, epoch }, settings.model, context, inferred, log);
    this.#pictures = new PictureSubject(nats, camera, epoch, context.pictures);
    this.recorder = new CameraRecorder(camera, context.recordings, () => this.#source.status);
    this.video = new CameraVideo(() => outlet.newest);
    const outlet = new VideoOutlet({
      ...{ ffmpeg, recorder: this.recorder, video: this.video, log },
      recent: () => this.#source.newest ?? this.#pictures.newest,
    });
    this.#source = new VideoSource(outlet, settings, this.#recordParts(clock, log));
    this.#backoff = backoff;
    const numbers = () => ({
      ...this.figures,
      ingest,
      epoch,
      ledger: this.ledger.snapshot(),
      recording: this.recorder.status,
    });
    this.#status = new StatusReporter(buckets.cameraStatus, camera, numbers, log);
    const given = { frames: this.#frames, pictures: this.#pictures };
    const sinks = { ...given, video: this.#source, facts: this.facts };
    this.#stream = new AnalysedStream({ camera, epoch }, backoff, sinks, clock, context, log);
    const parts = { ...given, stream: this.#stream, status: this.#status };
    this.#reception = new CameraReception(camera, settings, backoff, parts, context, log);
  }

  /**
   * Resolves with whether it can continue at once when it gets the lease: false when the camera does not allow a second
   * connection, or cannot be received at all.
   */
  get ready(): Promise<boolean> {
    return this.#reception.ready;
  }

  /** True while the camera sends data, even before the first picture. */
  get receives(): boolean {
    return this.#stream.receives;
  }

  /** The lease is held: frames that arrive from now on belong to this epoch. */
  begin(): void {
    if (this.#begun || this.#stopped) return;
    this.#begun = true;
    this.#stream.begin();
    this.#pictures.start();
    this.#source.start(this.settings);
    this.#status.start();
    this.#frames.begin(this.#pictures);
    this.#reception.begin();
  }

  /** Whether frames arrive. */
  get live(): boolean {
    return this.#reception.live;
  }

  /** The account of this epoch's frames. */
  get ledger(): Ledger {
    return this.#frames.ledger;
  }

  /** What the camera's status and the metrics say of it now. */
  get figures() {
    return {
      ...this.facts.status,
      failedAttempts: this.#backoff.failures,
      unanalysedSeconds: this.#unanalysedSeconds,
      promisedFps: this.floor.promisedFps,
    };
  }

  /** Seconds during which frames have come and none was analysed, beyond the interval of the requested rate. */
  get #unanalysedSeconds(): number {
    const { targetFps } = this.settings;
    return this.facts.analysis.missingSeconds(targetFps === 0 ? 0 : 1 / targetFps);
  }

  /** The camera's guaranteed frames per second, and how many of them can be kept now. */
  get floor(): ReturnType<SharePlan["floorOf"]> {
    return this.#context.shares.floorOf(this.camera);
  }

  /** The settings in use. */
  get settings(): Readonly<IngestCamera> {
    return this.#reception.settings;
  }

  /** Takes new settings; the stream continues where they allow it. */
  update(settings: IngestCamera): void {
    const old = this.settings;
    this.#reception.useSettings(settings);
    if (!isDeepStrictEqual(old.recording, settings.recording)) this.recorder.disconnected();
    if (old.model !== settings.model) {
      this.#frames.useModel(settings.model);
      this.modelChanged();
    }
    this.#source.update(settings);
    // At once: older pictures show what must not be seen now.
    if (!isDeepStrictEqual(old.privacy, settings.privacy)) this.#pictures.forget();
    if (needsReconnect(old, settings)) this.#reception.startAnew();
  }

  /** Workers have begun or stopped serving a model, or serve it with another input. */
  modelChanged(): void {
    this.#reception.modelChanged();
  }

  /** The connection to NATS was lost and is back. */
  natsReturned(): void {
    this.#frames.natsReturned();
  }

  /**
   * The runner will be stopped in a moment. Returns whether frames are then missed until another process has the camera.
   */
  leave(): boolean {
    return this.#reception.leave();
  }

  /**
   * Ends everything of the epoch that others see. Also ends the camera's connection, unless the camera `isPassed` to
   * another process, which has its own.
   */
  seal(why: LeaseEnd, isPassed: boolean): Promise<void> {
    this.#sealing ??= this.#seal(why, isPassed);
    return this.#sealing;
  }

  /** Ends the epoch. */
  async stop(why: LeaseEnd): Promise<void> {
    await this.seal(why, false);
    const parts = [this.#source, this.#frames, this.#pictures, this.recorder, this.video];
    await Promise.all([this.#reception.ended, ...parts.map((part) => part.stop())]);
  }

  async #seal(why: LeaseEnd, isPassed: boolean): Promise<void> {
    if (isPassed) {
      await Promise.race([this.#stream.nextArrival, delay(betweenFramesMs)]);
      await this.#frames.settle();
    }
    this.#stopped = true;
    this.ledger.count(false);
    this.#reception.end();
    this.#source.end();
    this.#frames.end();
    // The camera may allow only one connection.
    if (!isPassed) await Promise.all([this.#stream.left, this.#source.stop()]);
    await this.#status.stop(why, isPassed);
  }

  /** What a stream needs that is recorded instead of the analysed one. */
  #recordParts(clock: SteadyWallClock, log: Logger): ConstructorParameters<typeof VideoSource>[2] {
    const { ffmpeg, access, stallMs, limits, pictures, secrets } = this.#context;
    return {
      ...{ ffmpeg, access, stallMs, connects: limits.connects, limits: pictures.streamLimits },
      ...{ clock, log },
      wanted: () => this.recorder.wanted || this.video.viewers > 0,
      secret: async (source) =>
        source.secretFault === undefined
          ? source
          : readRecordSecret(secrets, this.camera, source.uri).catch(() => source),
    };
  }
}
