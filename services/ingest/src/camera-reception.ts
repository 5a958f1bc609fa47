import { type Backoff, CameraReason, CameraState, type ServedModel } from "@sightline/contracts";
import type { CameraFault } from "@sightline/rtsp";
import { type CameraSecrets, type Logger, pause, untilAborted } from "@sightline/service";
import type { AnalysedStream } from "./analysed-stream.ts";
import { type AnalysisGeometry, sameGeometry } from "./analysis-geometry.ts";
import { type IngestCamera, readSecret } from "./camera-settings.ts";
import type { OfferedFrames } from "./offered-frames.ts";
import type { PictureSubject } from "./pictures/picture-subject.ts";
import type { StatusReporter } from "./status-reporter.ts";

/**
 * A camera that was contacted while another process held it may never answer: this long after that process has let it go,
 * it is contacted again.
 */
const hangMs = 1_000;

/** What decides whether a camera can be connected. */
export interface ReceptionContext {
  secrets: CameraSecrets;
  /** The model as workers serve it now; undefined when none does. */
  servedModel: (name: string) => (ServedModel & AnalysisGeometry) | undefined;
}

/** What receives the stream, and what is informed of its state. */
export interface ReceptionParts {
  stream: AnalysedStream;
  frames: OfferedFrames;
  pictures: PictureSubject;
  status: StatusReporter;
}

/**
 * Keeps a camera connected until it is ended. It works in rounds: each has one connection, which lasts until something
 * fails or changes. It writes the state to the camera's status. Before `begin` another process has the camera, so a failure
 * then means nothing.
 */
export class CameraReception {
  readonly #camera: string;
  readonly #backoff: Backoff;
  readonly #parts: ReceptionParts;
  readonly #context: ReceptionContext;
  readonly #log: Logger;
  readonly #running: Promise<void>;
  readonly #ready = Promise.withResolvers<boolean>();
  readonly #beginning = new AbortController();
  #settings: IngestCamera;
  #geometry: AnalysisGeometry | undefined;
  /** Aborts the connection, or the wait before the next one. */
  #round = new AbortController();
  #leaving = false;
  #ended = false;

  /** `backoff` counts the camera's earlier failures. */
  constructor(
    camera: string,
    settings: IngestCamera,
    backoff: Backoff,
    parts: ReceptionParts,
    context: ReceptionContext,
    log: Logger,
  ) {
    this.#camera = camera;
    this.#settings = settings;
    this.#backoff = backoff;
    this.#parts = parts;
    this.#context = context;
    this.#log = log;
    this.#running = this.#run();
  }

  /**
   * Resolves with whether pictures come: false when the camera does not allow a second connection, or cannot be received at
   * all.
   */
  get ready(): Promise<boolean> {
    return this.#ready.promise;
  }

  get settings(): Readonly<IngestCamera> {
    return this.#settings;
  }

  /** Whether frames arrive. */
  get live(): boolean {
    return this.#parts.status.state === CameraState.LIVE;
  }

  /** This process has the camera now: a connection that has begun continues, unless it hangs. */
  begin(): void {
    const { stream } = this.#parts;
    this.modelChanged();
    this.#beginning.abort();
    if (!stream.connects || stream.receives) return;
    const round = this.#round;
    const endIfHanging = () => {
      if (!stream.receives) round.abort();
    };
    setTimeout(endIfHanging, hangMs).unref();
  }

  /** Takes new settings that do not need a new connection. */
  useSettings(settings: IngestCamera): void {
    this.#settings = settings;
  }

  /** Takes settings that need a new connection to the camera. */
  startAnew(): void {
    this.#log.info("settings changed; reconnecting");
    this.#parts.stream.forget();
    this.#parts.frames.clear();
    if (!this.live) this.#parts.status.set(CameraState.CONNECTING);
    this.#backoff.reset();
    this.#round.abort();
  }

  /** Workers have begun or stopped serving a model, or serve it with another input. */
  modelChanged(): void {
    const served = this.#context.servedModel(this.#settings.model);
    if (served && !(this.#geometry && sameGeometry(this.#geometry, served))) this.#round.abort();
    else if (this.live) this.#reportLive();
  }

  /**
   * The camera will be ended in a moment: if its connection is lost now, it is not connected again. Returns whether frames
   * are then missed.
   */
  leave(): boolean {
    this.#leaving = this.live;
    return this.live;
  }

  /** Ends the connection; no other one follows. */
  end(): void {
    this.#ended = true;
    this.#ready.resolve(false);
    this.#round.abort();
  }

  /** Resolves when nothing of it is running any more, after `end`. */
  get ended(): Promise<void> {
    return this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#ended) {
      this.#round = new AbortController();
      const { signal } = this.#round;
      const geometry = this.#context.servedModel(this.#settings.model) ?? this.#geometry;
      if (!geometry) {
        this.#reportDown(this.#notServed());
        this.#ready.resolve(false);
        await untilAborted(signal);
      } else {
        this.#useGeometry(geometry);
        await pause(Math.ceil(this.#backoff.waitMs), signal);
        const fault = (await this.#secretFault()) ?? (await this.#connect(geometry, signal));
        if (fault) await this.#failed(fault, signal);
      }
    }
  }

  #connect(geometry: AnalysisGeometry, signal: AbortSignal): Promise<CameraFault | undefined> {
    const told = {
      picture: () => {
        if (!signal.aborted) this.#ready.resolve(true);
        if (!this.live) this.#reportLive();
      },
      mustReconnect: () => this.#round.abort(),
    };
    return this.#parts.stream.connect(this.#settings, geometry, told, signal);
  }

  async #failed(fault: CameraFault, signal: AbortSignal): Promise<void> {
    if (!this.#beginning.signal.aborted) {
      // The camera may allow only one connection, and another process has it.
      this.#log.debug(
        { reason: fault.reason },
        "the camera cannot be received before this process holds its lease",
      );
      this.#ready.resolve(false);
      await untilAborted(AbortSignal.any([signal, this.#beginning.signal]));
    } else if (this.#leaving) await untilAborted(signal);
    else {
      this.#backoff.fail();
      this.#reportDown(fault);
    }
  }

  /** Why user and password are unknown, where the camera has them. A secret that could not be read is tried again. */
  async #secretFault(): Promise<CameraFault | undefined> {
    const settings = this.#settings;
    if (settings.secretFault === undefined) return undefined;
    const { secret, secretFault } = await readSecret(this.#context.secrets, this.#camera).catch(
      () => settings,
    );
    if (this.#settings === settings) this.#settings = { ...settings, secret, secretFault };
    if (secretFault === undefined) return undefined;
    return {
      reason: CameraReason.UNAUTHORIZED,
      message: `its user and password cannot be read: ${secretFault}; or set the camera's URL, with user and password, again`,
    };
  }

  #useGeometry(geometry: AnalysisGeometry): void {
    // The workers that serve the model now cannot use a frame made for another input.
    if (this.#geometry && !sameGeometry(this.#geometry, geometry)) this.#parts.frames.clear();
    this.#geometry = geometry;
  }

  #reportLive(): void {
    const fault = this.#context.servedModel(this.#settings.model) ? undefined : this.#notServed();
    this.#parts.status.set(CameraState.LIVE, fault?.reason, fault?.message);
  }

  #reportDown({ reason, message }: CameraFault): void {
    this.#parts.status.set(CameraState.DOWN, reason, message);
    this.#parts.pictures.cameraDown();
  }

  #notServed(): CameraFault {
    return {
      reason: CameraReason.MODEL_NOT_SERVED,
      message: `no inference worker serves model '${this.#settings.model}'; start one, or choose another model`,
    };
  }
}
