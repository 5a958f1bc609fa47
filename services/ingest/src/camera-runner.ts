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

/** A camera that another process takes over is left when a frame has just come, so that the next is that one's; this long it is waited for. */
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
 * Has one camera for as long as this process holds its lease: one epoch. It may get ready before, while another process has it:
 * then it is connected, and nothing of it is counted, recorded, answered or told until `begin`.
 */
export class CameraRunner implements LeasedWork {
  readonly camera: string;
  readonly recorder: CameraRecorder;
  readonly video: CameraVideo;
  readonly facts = new StreamFacts();
  readonly #context: RunnerContext;
  readonly #frames: OfferedFrames;
  readonly #pictures: PictureSubject;
  readonly #source: VideoSource;
  readonly #status: StatusReporter;
  readonly #stream: AnalysedStream;
  readonly #reception: CameraReception;
  /** It has the lease. */
  #begun = false;
  #stopped = false;
  #sealing: Promise<void> | undefined;

  /** `backoff` has the camera's failures before this epoch. `begin` follows when the lease is there. */
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
    const numbers = () => ({
      ...this.facts.status,
      ingest,
      epoch,
      ledger: this.ledger.snapshot(),
      failedAttempts: backoff.failures,
      unanalysedSeconds: this.unanalysedSeconds,
      recording: this.recorder.status,
      promisedFps: this.floor.promisedFps,
    });
    this.#status = new StatusReporter(buckets.cameraStatus, camera, numbers, log);
    const given = { frames: this.#frames, pictures: this.#pictures };
    const sinks = { ...given, video: this.#source, facts: this.facts };
    this.#stream = new AnalysedStream({ camera, epoch }, backoff, sinks, clock, context, log);
    const parts = { ...given, stream: this.#stream, status: this.#status };
    this.#reception = new CameraReception(camera, settings, backoff, parts, context, log);
  }

  /** Whether it can go on at once when it has the lease: false when the camera cannot be had twice, or cannot be had. */
  get ready(): Promise<boolean> {
    return this.#reception.ready;
  }

  /** Whether the camera sends, though there may be no picture yet. */
  get receives(): boolean {
    return this.#stream.receives;
  }

  /** The lease is there: frames that arrive from now on are this epoch's. */
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

  /** Seconds for which frames have come and none was analysed, beyond the time between two of the rate asked for. */
  get unanalysedSeconds(): number {
    const { targetFps } = this.settings;
    return this.facts.analysis.missingSeconds(targetFps === 0 ? 0 : 1 / targetFps);
  }

  /** Frames per second that it is to get first, and what is held of them now. */
  get floor(): ReturnType<SharePlan["floorOf"]> {
    return this.#context.shares.floorOf(this.camera);
  }

  /** The settings in use. */
  get settings(): Readonly<IngestCamera> {
    return this.#reception.settings;
  }

  /** Takes new settings; the stream goes on where they allow it. */
  update(settings: IngestCamera): void {
    const old = this.settings;
    this.#reception.useSettings(settings);
    if (!isDeepStrictEqual(old.recording, settings.recording)) this.recorder.disconnected();
    if (old.model !== settings.model) {
      this.#frames.useModel(settings.model);
      this.modelChanged();
    }
    this.#source.update(settings);
    // At once: what was taken before shows what may not be seen now.
    if (!isDeepStrictEqual(old.privacy, settings.privacy)) this.#pictures.forget();
    if (needsReconnect(old, settings)) this.#reception.startAnew();
  }

  /** Workers began or ceased to serve a model, or serve it with another input. */
  modelChanged(): void {
    this.#reception.modelChanged();
  }

  /** NATS was away and is back. */
  natsReturned(): void {
    this.#frames.natsReturned();
  }

  /** It will be stopped in a moment. Returns whether frames are missed then until another has the camera. */
  leave(): boolean {
    return this.#reception.leave();
  }

  /** Ends all of the epoch that others see, and the camera's connection unless another process `isPassed` the camera on its own. */
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
    // A camera may serve only one.
    if (!isPassed) await Promise.all([this.#stream.left, this.#source.stop()]);
    await this.#status.stop(why, isPassed);
  }

  /** What a stream that is recorded in place of the analysed one needs. */
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
