import {
  DropReason,
  type FrameDropped,
  type FrameId,
  fromTimestamp,
  Inference,
  type PixelFormatName,
} from "@sightline/contracts";
import { asGbrp } from "@sightline/media";
import type { Logger, Tracing } from "@sightline/service";
import { monotonicMs } from "@sightline/service/clock";
import type { ModelManifest } from "@sightline/yolo-nas";
import type { CameraFilters } from "./camera-filters.ts";
import type { DetectionPublisher } from "./detection-publisher.ts";
import { frameDetections, frameResult, traceInference } from "./frame-result.ts";
import type { FetchedFrame } from "./frame-source.ts";
import type { ModelMetrics } from "./model-metrics.ts";
import type { SecondStages, StagedFrame } from "./second-stages.ts";
import type { TurnRun } from "./session-messages.ts";
import type { ShadowedFrame, Shadows } from "./shadows.ts";
import type { HeldToken } from "./token-source.ts";

export interface HeldFramesOptions {
  /** The worker's id, as in every result. */
  id: string;
  model: ModelManifest;
  /** Identifies what runs the model, in every result. */
  inference: Pick<Inference, "modelDigest" | "modelVersion" | "precision" | "executionProvider">;
  /** The layout of frames in batches. */
  pixelFormat: PixelFormatName;
  filters: Pick<CameraFilters, "of">;
  publisher: DetectionPublisher;
  metrics: ModelMetrics;
  tracing: Pick<Tracing, "record">;
  /** Runs some frames on other models too. */
  shadows: Pick<Shadows, "take">;
  /** Classifies the detected objects. */
  secondStages: Pick<SecondStages, "keep">;
  log: Logger;
}

/** A frame in a batch, and the token that brought it. */
export interface Work extends Omit<FetchedFrame, "pixels"> {
  token: HeldToken;
  id: FrameId;
  /** Copies of its pixels for other models, if any. */
  shadowed?: readonly ShadowedFrame[];
  /** Copy of its pixels for second stages, if any. */
  kept?: StagedFrame | undefined;
}

/**
 * The frames that a worker has received and not yet answered for: they are being assembled, in the session, or being
 * published. Each gets one answer, its detections or the reason why there are none, and this uses up its token.
 */
export class HeldFrames {
  readonly #options: HeldFramesOptions;
  readonly #held = new Set<Work>();

  constructor(options: HeldFramesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#held.size;
  }

  /** From now on the worker must answer for this frame. */
  add(work: Work): void {
    this.#held.add(work);
  }

  /** Whether the frame still waits for its answer. */
  has(work: Work): boolean {
    return this.#held.has(work);
  }

  /** Answers that the frame is not inferred. */
  drop(work: Work, reason: FrameDropped["reason"]): void {
    this.#options.metrics.dropped(work.id.camera, reason);
    this.#letGo(work, reason);
  }

  /** Answers this for all remaining frames. */
  dropAll(reason: FrameDropped["reason"]): void {
    for (const work of this.#held) this.drop(work, reason);
  }

  /**
   * Copies the pixels of frames that other models will run or classify, before their place is reused. `pixels`: those at a
   * place of the batch.
   */
  keep(items: readonly Work[], pixels: (index: number) => Uint8Array): void {
    const { shadows, secondStages, model, pixelFormat } = this.#options;
    for (const [index, work] of items.entries()) {
      if (!this.#held.has(work)) continue;
      let planes: Uint8Array | undefined;
      const copied = () => {
        planes ??= asGbrp(pixels(index), pixelFormat, work.frame);
        return planes;
      };
      work.shadowed = shadows.take(work.id.camera, model, copied);
      const filter = this.#filterOf(work);
      // A camera's first frames may arrive before its filter is known.
      if (filter && !(filter instanceof Promise) && filter.secondStages.length > 0)
        work.kept = secondStages.keep(filter.secondStages, copied);
    }
  }

  /**
   * Answers with what a run has found in the frame at this place of its batch. Resolves when that is stored or given up.
   */
  async publish(work: Work, run: TurnRun, index: number): Promise<void> {
    const { model, publisher, metrics, tracing, log, inference, id: worker } = this.#options;
    const { frame, id, requestedAt } = work;
    const { startedAt, runMs, outputs } = run;
    const filter = await this.#filterOf(work);
    if (!this.#held.has(work)) return;
    // Nobody wants the result any more, and the camera's metrics are removed.
    if (!filter) return this.#letGo(work, DropReason.WORKER_ERROR);
    const found = frameResult(outputs, index, frame, model, filter);
    if (work.kept) {
      await work.kept.read(frame, found);
      work.kept = undefined;
      if (!this.#held.has(work)) return;
    }
    const message = frameDetections(
      frame,
      found,
      Inference.fromPartial({ model: model.name, worker, batchSize: outputs.batch, ...inference }),
      { requestedAt, startedAt, runMs, publishedAt: monotonicMs() },
    );
    const trace = traceInference(tracing, work, message);
    const outcome = await publisher.publish(id, message, requestedAt, trace);
    metrics.all.publication(outcome);
    if (!this.#held.has(work)) return;
    if (outcome === "late") return this.drop(work, DropReason.WORKER_ERROR);
    if (outcome === "stored") metrics.published(id.camera, found.length, message.timings!);
    else
      log.warn(
        { camera: id.camera, frame: id.number },
        "a result was sent but not confirmed; ingest looks for it in the stream",
      );
    this.#held.delete(work);
    work.token.ack();
    for (const shadowed of work.shadowed ?? [])
      shadowed.compare({ frame, filter, detections: found, run, inference: message.inference! });
  }

  #filterOf({ id, frame: { cameraCreateTime } }: Work): ReturnType<CameraFilters["of"]> {
    return this.#options.filters.of(id.camera, cameraCreateTime && fromTimestamp(cameraCreateTime));
  }

  #letGo(work: Work, reason: FrameDropped["reason"]): void {
    this.#held.delete(work);
    for (const shadowed of work.shadowed ?? []) shadowed.forget();
    work.kept?.forget();
    work.kept = undefined;
    this.#options.publisher.drop(work.id.camera, work.frame, reason);
    work.token.ack();
  }
}
