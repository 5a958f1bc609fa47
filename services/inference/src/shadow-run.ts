import {
  type Detection,
  type FrameMetadata,
  fromTimestamp,
  type Inference,
  type ModelShadow,
  type ShadowMessage,
} from "@sightline/contracts";
import type { ModelManifest } from "@sightline/yolo-nas";
import type { CameraFilter } from "./camera-filters.ts";
import { compareBoxes } from "./compare-boxes.ts";
import { frameResult } from "./frame-result.ts";
import { checkSameFrames } from "./model-directory.ts";
import type { TurnRun } from "./session-messages.ts";
import type { ShadowMetrics } from "./shadow-metrics.ts";
import { ShadowSession, type ShadowSessionParts } from "./shadow-session.ts";

/** A frame that waits this long for a moment when no other model wants to run is not run. */
const patienceMs = 2_000;
const stateMs = 1_000;
/** After an error the model is loaded again after this long, while the shadow lasts. */
const againMs = 30_000;

/** The result of the camera's model for a frame. */
export interface Compared {
  frame: FrameMetadata;
  filter: CameraFilter;
  detections: readonly Detection[];
  run: TurnRun;
  inference: Inference;
}

/** A frame whose pixels are kept for another model. Exactly one of the two methods is called, once. */
export interface ShadowedFrame {
  compare(camera: Compared): void;
  forget(): void;
}

export interface ShadowRunParts extends ShadowSessionParts {
  worker: string;
  active: (model: string) => string | undefined;
  metrics: ShadowMetrics;
  publish: (message: ShadowMessage) => void;
}

/**
 * One shadow on this worker: takes a share of its camera's frames, runs them on the other model, and reports how the two
 * results compare.
 */
export class ShadowRun {
  readonly shadow: ModelShadow;
  readonly #parts: ShadowRunParts;
  readonly #timer: NodeJS.Timeout;
  #session: ShadowSession | undefined;
  #opening: Promise<void> | undefined;
  #fault: string | undefined;
  #retryAt = 0;
  /** Fraction of the next frame that is due. */
  #due = 0;
  #busy = false;
  #dropped = 0;
  #stopped = false;

  constructor(shadow: ModelShadow, parts: ShadowRunParts) {
    this.shadow = shadow;
    this.#parts = parts;
    this.#timer = setInterval(() => this.#tell(), stateMs);
  }

  get bytes(): number {
    return this.#session?.bytes ?? 0;
  }

  /** Keeps a frame's pixels when the frame belongs to the share and the model is free. */
  take(model: ModelManifest, pixels: () => Uint8Array): ShadowedFrame | undefined {
    if (this.#stopped || this.#isOver()) return;
    if (!this.#session) {
      if (!this.#opening && Date.now() >= this.#retryAt) this.#opening = this.#open(model);
      return;
    }
    this.#due += this.shadow.share;
    if (this.#due < 1) return;
    this.#due -= 1;
    const session = this.#session;
    if (this.#busy) return this.#drop();
    try {
      // The camera's model may have changed.
      checkSameFrames(model, session.located.manifest);
    } catch (error) {
      return void this.#end((error as Error).message, error as Error);
    }
    this.#busy = true;
    session.place(pixels());
    return {
      compare: (camera) => void this.#compare(session, model, camera),
      forget: () => {
        this.#busy = false;
      },
    };
  }

  /** Frees the model, and loads it again later unless the shadow is over. */
  async end(why: string): Promise<void> {
    await this.#end(why);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#opening;
    await this.#session?.stop();
    this.#session = undefined;
  }

  async #open(running: ModelManifest): Promise<void> {
    const { active, log } = this.#parts;
    const { model, camera } = this.shadow;
    this.#fault = undefined;
    this.#tell();
    try {
      const session = await ShadowSession.open(this.shadow, active(model), this.#parts);
      if (this.#stopped) return void (await session.stop());
      this.#session = session;
      checkSameFrames(running, session.located.manifest);
      log.info({ camera, ...session.side }, "another model now also runs on a share of the camera's frames");
    } catch (error) {
      await this.#end((error as Error).message, error as Error);
    } finally {
      this.#opening = undefined;
      this.#tell();
    }
  }

  async #end(why: string, err?: Error): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#fault = why;
    this.#retryAt = Date.now() + againMs;
    const { camera, model } = this.shadow;
    this.#parts.log.warn(
      { camera, model, why, err },
      "the shadow model does not run on these frames; results are not affected",
    );
    await session?.stop();
    this.#busy = false;
    this.#tell();
  }

  #drop(): undefined {
    this.#dropped++;
    this.#parts.metrics.frame(this.shadow, "dropped");
  }

  async #compare(session: ShadowSession, model: ModelManifest, camera: Compared): Promise<void> {
    const { metrics, publish } = this.#parts;
    try {
      const run = await session.run(patienceMs);
      if (!run) return this.#drop();
      // A session that was ended meanwhile has already been reported.
      if (this.#stopped || session !== this.#session) return;
      const { frame, filter, detections, inference } = camera;
      const found = frameResult(run.outputs, 0, frame, session.located.manifest, filter);
      const { classes, boxes, difference } = compareBoxes(detections, found);
      const side = { model: model.name, version: inference.modelVersion, precision: inference.precision };
      metrics.frame(this.shadow, "compared");
      metrics.boxes(this.shadow, side, session.side, classes);
      const captureTimeMs = fromTimestamp(frame.captureTime!);
      publish({
        ...{ kind: "frame", classes, camera: side, shadow: session.side },
        frame: { epoch: frame.epoch, number: frame.number, captureTimeMs, difference, boxes },
        ...{ cameraMs: camera.run.runMs, cameraBatch: camera.run.outputs.batch, shadowMs: run.runMs },
      });
    } catch (error) {
      metrics.frame(this.shadow, "failed");
      if (session === this.#session && !this.#stopped)
        await this.#end((error as Error).message, error as Error);
    } finally {
      if (session === this.#session) this.#busy = false;
    }
  }

  #isOver(): boolean {
    const { endTime } = this.shadow;
    return endTime !== undefined && Date.parse(endTime) <= Date.now();
  }

  #tell(): void {
    // The record stays if no results service is there to remove it.
    if (this.#isOver()) return void this.stop();
    const { worker, publish } = this.#parts;
    const state = this.#session ? "running" : this.#fault === undefined ? "loading" : "failed";
    // Nothing is reported by a worker that gets none of the camera's frames.
    if (state === "loading" && !this.#opening) return;
    publish({
      ...{ kind: "state", worker, state, dropped: this.#dropped },
      ...(this.#fault === undefined ? {} : { message: this.#fault }),
    });
  }
}
