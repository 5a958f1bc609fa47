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
  /** Of the worker, as every result says it. */
  id: string;
  model: ModelManifest;
  /** Names what runs, in every result. */
  inference: Pick<Inference, "modelDigest" | "modelVersion" | "precision" | "executionProvider">;
  /** How frames lie in batches. */
  pixelFormat: PixelFormatName;
  filters: Pick<CameraFilters, "of">;
  publisher: DetectionPublisher;
  metrics: ModelMetrics;
  tracing: Pick<Tracing, "record">;
  /** Runs some frames by other models too. */
  shadows: Pick<Shadows, "take">;
  /** Looks at what was found. */
  secondStages: Pick<SecondStages, "keep">;
  log: Logger;
}

/** A frame in a batch, and the token it came by. */
export interface Work extends Omit<FetchedFrame, "pixels"> {
  token: HeldToken;
  id: FrameId;
  /** Where its pixels are kept for other models, if they are. */
  shadowed?: readonly ShadowedFrame[];
  /** Where they are kept for second stages. */
  kept?: StagedFrame | undefined;
}

/**
 * The frames that a worker has been given and not yet answered for: being assembled, in the session, or being published. Each is answered for once, with
 * its detections or with the reason why there are none, and its token is used up by that.
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

  /** The worker answers for this frame from now on. */
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

  /** Answers so for all that are left. */
  dropAll(reason: FrameDropped["reason"]): void {
    for (const work of this.#held) this.drop(work, reason);
  }

  /** Copies the pixels of frames that other models are to run, or to look at, before their place is used again. `pixels`: those at a place of the batch. */
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
      // The first frames of a camera may come before what it asks for is known.
      if (filter && !(filter instanceof Promise) && filter.secondStages.length > 0)
        work.kept = secondStages.keep(filter.secondStages, copied);
    }
  }

  /** Answers with what a run has found in the frame at this place of its batch. Resolves when that is stored, or given up. */
  async publish(work: Work, run: TurnRun, index: number): Promise<void> {
    const { model, publisher, metrics, tracing, log, inference, id: worker } = this.#options;
    const { frame, id, requestedAt } = work;
    const { startedAt, runMs, outputs } = run;
    const filter = await this.#filterOf(work);
    if (!this.#held.has(work)) return;
    // Nobody asks for it any more, and its camera's metrics are gone.
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
