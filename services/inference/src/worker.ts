import {
  DropReason,
  type FrameDropped,
  type FrameHandle,
  type FrameId,
  type FrameMetadata,
  framePixelBytes,
  fromTimestamp,
  Inference,
  type PixelFormatName,
  pixelFormatName,
  pixelFormatOf,
} from "@sightline/contracts";
import type { ArenaReaders, ReadFailure } from "@sightline/frame-arena";
import { asGbrp, convertPixels } from "@sightline/media";
import type { Logger, Tracing } from "@sightline/service";
import { monotonicMs } from "@sightline/service/clock";

import type { ModelManifest } from "@sightline/yolo-nas";
import type { BatchRunner, TurnRun } from "./batch-runner.ts";
import type { BatchSizer } from "./batch-sizing.ts";
import type { BatchSlots, Fill } from "./batch-slots.ts";
import { Batcher } from "./batcher.ts";
import type { CameraFilters } from "./camera-filters.ts";
import type { DetectionPublisher } from "./detection-publisher.ts";
import { DurationEstimate } from "./duration-estimate.ts";
import { frameDetections, frameResult } from "./frame-result.ts";
import type { FetchedFrame, FrameSource } from "./frame-source.ts";
import { traceInference } from "./inference-span.ts";
import type { ModelMetrics } from "./model-metrics.ts";
import type { SecondStages, StagedFrame } from "./second-stages.ts";
import type { ShadowedFrame, Shadows } from "./shadows.ts";
import type { HeldToken, TokenSource } from "./token-source.ts";

/**
 * INITIALIZED: built, takes nothing yet. RUNNING: takes tokens. PAUSED: takes none, because its session is gone and is
 * being started again. DRAINING: takes none, and finishes what it has. STOPPED: has nothing.
 */
export type WorkerState = "INITIALIZED" | "RUNNING" | "PAUSED" | "DRAINING" | "STOPPED";

export interface WorkerOptions {
  id: string;
  model: ModelManifest;
  /** Names what runs, in every result. */
  inference: Pick<Inference, "modelDigest" | "modelVersion" | "precision" | "executionProvider">;
  /** How the session reads frames. */
  pixelFormat: PixelFormatName;
  sizing: BatchSizer;
  maxDelayMs: number;
  maxAgeMs: number;
  runner: BatchRunner;
  slots: BatchSlots<Work>;
  frames: Pick<FrameSource, "fetch">;
  /** Reads frames that lie in shared memory. */
  arenas: Pick<ArenaReaders, "read">;
  filters: Pick<CameraFilters, "of">;
  publisher: DetectionPublisher;
  metrics: ModelMetrics;
  tracing: Pick<Tracing, "record">;
  /** Runs some frames by other models too. */
  shadows: Pick<Shadows, "take">;
  /** Looks at what was found. */
  secondStages: Pick<SecondStages, "keep">;
  log: Logger;
  /** How the worker gets its tokens, given what takes one. */
  tokens: (onToken: (token: HeldToken) => void) => Pick<TokenSource, "demand" | "stop">;
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

/** Two parts of the worker do not agree on which frames a batch holds: none of its boxes can be trusted. */
class BatchMismatchError extends Error {
  override readonly name = "BatchMismatchError";
}

function checkCount(found: number, expected: number): void {
  if (found !== expected)
    throw new BatchMismatchError(`the batch holds ${found} frames but should hold ${expected}`);
}

function putting(pixels: Uint8Array): Fill {
  return (place, done) => {
    place.set(pixels);
    done();
  };
}

/** How long stop() waits for what is under way unless told; below the 15 s in which the process must be gone. */
const drainLimitMs = 4_000;

/** Takes tokens, fetches their frames, has them inferred in batches, and publishes the results. */
export class InferenceWorker {
  readonly #options: WorkerOptions;
  readonly #batcher: Batcher<HeldToken>;
  readonly #tokens: Pick<TokenSource, "demand" | "stop">;
  /** Frames this worker holds: being assembled, in the session, or being published. */
  readonly #held = new Set<Work>();
  /** Tokens to give back once no more are asked for. */
  readonly #unused: HeldToken[] = [];
  /** Of reading a frame from shared memory. */
  readonly #readMs = new DurationEstimate(0);
  /** When the batches before have gone to the session, which takes them in order. */
  #sent: Promise<void> = Promise.resolve();
  #state: WorkerState = "INITIALIZED";
  #stopping: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#tokens = options.tokens((token) => this.#take(token));
    this.#batcher = new Batcher<HeldToken>({
      sizing: options.sizing,
      maxDelayMs: options.maxDelayMs,
      clock: {
        now: monotonicMs,
        at: (time, callback) => {
          const timer = setTimeout(callback, Math.max(0, time - monotonicMs()));
          return () => clearTimeout(timer);
        },
      },
      demand: (count) => this.#tokens.demand(count),
      fetch: (token) => void this.#fetch(token),
      run: (frames) => void this.#run(frames),
    });
  }

  get state(): WorkerState {
    return this.#state;
  }

  start(): void {
    this.#state = "RUNNING";
    this.#batcher.start();
  }

  /** Follows the session: without it nothing is taken, and tokens in hand go to other workers. */
  setAvailable(available: boolean): void {
    if (available && this.#state === "PAUSED") {
      this.#state = "RUNNING";
      this.#batcher.resume();
    } else if (!available && this.#state === "RUNNING") {
      this.#state = "PAUSED";
      this.#giveBack(this.#batcher.pause());
    }
  }

  /**
   * Takes no more tokens and gives unused ones back at once; then finishes and publishes what it has. What is not done
   * after `limitMs` is dropped as worker_error. Safe to call twice.
   */
  stop(limitMs = drainLimitMs): Promise<void> {
    this.#stopping ??= this.#stop(limitMs);
    return this.#stopping;
  }

  async #stop(limitMs: number): Promise<void> {
    this.#state = "DRAINING";
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, limitMs).unref());
    this.#unused.push(...this.#batcher.drain());
    await Promise.race([this.#tokens.stop(), deadline]);
    this.#giveBack(this.#unused.splice(0));
    await Promise.race([this.#finished(), deadline]);
    this.#state = "STOPPED";
    for (const work of this.#held) this.#drop(work, DropReason.WORKER_ERROR);
  }

  async #finished(): Promise<void> {
    while (!this.#batcher.idle || this.#held.size > 0)
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
  }

  #take(token: HeldToken): void {
    if (token.deliveries > 1) this.#options.metrics.all.redelivered();
    if (this.#state === "RUNNING") this.#batcher.tokenArrived(token);
    else if (this.#state === "DRAINING") this.#unused.push(token);
    else this.#giveBack([token]);
  }

  #giveBack(tokens: readonly HeldToken[]): void {
    for (const token of tokens) {
      token.giveBack();
      this.#options.metrics.all.token("returned");
    }
  }

  async #fetch(token: HeldToken): Promise<void> {
    const { metrics, log, frames, pixelFormat } = this.#options;
    const outcome = await frames.fetch(token, pixelFormat);
    metrics.all.token(outcome.kind);
    if (outcome.kind === "frame") return this.#accept(token, outcome);
    if (outcome.kind === "unanswered") token.giveBack();
    else token.ack();
    if (outcome.kind === "unanswered" || outcome.kind === "invalid")
      log.warn({ camera: token.camera, err: outcome.error }, `frame request ${outcome.kind}`);
    this.#batcher.frameAbsent();
    this.#checkEmpty();
  }

  #accept(token: HeldToken, { frame, pixels, requestedAt, receivedAt, trace }: FetchedFrame): void {
    const { log, slots, metrics } = this.#options;
    const id = { camera: token.camera, epoch: frame.epoch, number: frame.number };
    const work: Work = { token, id, frame, requestedAt, receivedAt, trace };
    this.#held.add(work);
    const fetchMs = receivedAt - requestedAt;
    let refusal = this.#refusal(frame, fetchMs);
    if (refusal === undefined)
      try {
        metrics.all.received(pixels instanceof Uint8Array ? "bytes" : "handle");
        const format = pixelFormatOf(this.#options.pixelFormat);
        slots.add(work, framePixelBytes(frame.width, frame.height, format), this.#filling(work, pixels));
      } catch (error) {
        log.error({ camera: id.camera, err: error }, "the frame could not be added to the batch");
        refusal = DropReason.WORKER_ERROR;
      }
    if (refusal === undefined) {
      this.#batcher.frameReady(fetchMs + this.#readMs.mean);
      return;
    }
    this.#drop(work, refusal);
    this.#batcher.frameAbsent();
    this.#checkEmpty();
  }

  /** Brings a frame into its place; one that is laid out otherwise, as an ingest of an earlier version sends it, is converted. */
  #filling(work: Work, pixels: Uint8Array | FrameHandle): Fill {
    const { frame } = work;
    const format = pixelFormatName(frame.pixelFormat);
    if (format === this.#options.pixelFormat)
      return pixels instanceof Uint8Array ? putting(pixels) : this.#reading(work, pixels);
    return (place, done) => {
      const whole = pixels instanceof Uint8Array ? pixels : new Uint8Array(pixels.bytes);
      const convert = () => {
        convertPixels(whole, format, frame, place);
        done();
      };
      if (pixels instanceof Uint8Array) convert();
      else this.#reading(work, pixels)(whole, convert);
    };
  }

  /** Reads a frame from shared memory, beside this thread. One that cannot be read keeps its place and has no result. */
  #reading(work: Work, handle: FrameHandle): Fill {
    return (place, done) => {
      const begin = monotonicMs();
      this.#options.arenas.read(handle, place, (failure) => {
        if (failure) this.#readFailed(work, failure);
        else this.#readMs.add(monotonicMs() - begin);
        done();
      });
    };
  }

  #readFailed(work: Work, failure: ReadFailure): void {
    const { metrics, log } = this.#options;
    metrics.all.readFailed(failure);
    log.warn(
      { camera: work.id.camera, frame: work.id.number, failure },
      "a frame could not be read from shared memory; it is dropped",
    );
    if (this.#held.has(work)) this.#drop(work, DropReason.WORKER_ERROR);
  }

  /**
   * Why a frame is not inferred, if it is not. Its age is a sum of durations, each of which was measured by one host on its
   * monotonic clock, so hosts whose wall clocks differ, or are set, agree on it. How much of `fetchMs` passed before the
   * frame was handed over is not known: it counts as older rather than as younger than it is.
   */
  #refusal(frame: FrameMetadata, fetchMs: number): FrameDropped["reason"] | undefined {
    const { model, maxAgeMs, log } = this.#options;
    const { width, height } = model.frame;
    if (frame.width !== width || frame.height !== height) {
      log.warn(
        { camera: frame.camera, model: model.name },
        `the frame is ${frame.width}x${frame.height} but the model takes ${width}x${height}; its ingest scales for another model`,
      );
      return DropReason.WORKER_ERROR;
    }
    return (frame.decodeUs + frame.queueUs) / 1000 + fetchMs > maxAgeMs ? DropReason.STALE : undefined;
  }

  async #run(frames: number): Promise<void> {
    const { slots, runner, metrics, log } = this.#options;
    const { slot, items, filled } = slots.take();
    let run: TurnRun | undefined;
    try {
      checkCount(items.length, frames);
      run = await this.#inTurn(filled, () => runner.run(slot, frames));
      checkCount(run.outputs.batch, frames);
      metrics.batch(frames, run.runMs);
    } catch (error) {
      run = undefined;
      metrics.batchFailed(error instanceof BatchMismatchError ? "mismatch" : "run");
      log.error({ err: error, frames }, "batch failed");
    }
    if (run) this.#keep(slot, items);
    slots.release(slot);
    this.#batcher.runFinished(run?.runMs, run?.waitedMs);
    for (const [index, work] of items.entries())
      if (!this.#held.has(work)) continue;
      else if (run) void this.#publish(work, run, index);
      else this.#drop(work, DropReason.WORKER_ERROR);
    this.#checkEmpty();
  }

  /** Copies the pixels of frames that other models are to run, or to look at, before their place is used again. */
  #keep(slot: number, items: readonly Work[]): void {
    const { shadows, secondStages, slots, model, pixelFormat } = this.#options;
    for (const [index, work] of items.entries()) {
      if (!this.#held.has(work)) continue;
      let planes: Uint8Array | undefined;
      const pixels = () => {
        planes ??= asGbrp(slots.pixels(slot, index), pixelFormat, work.frame);
        return planes;
      };
      work.shadowed = shadows.take(work.id.camera, model, pixels);
      const filter = this.#filterOf(work);
      // The first frames of a camera may come before what it asks for is known.
      if (filter && !(filter instanceof Promise) && filter.secondStages.length > 0)
        work.kept = secondStages.keep(filter.secondStages, pixels);
    }
  }

  #filterOf({ id, frame: { cameraCreateTime } }: Work): ReturnType<CameraFilters["of"]> {
    return this.#options.filters.of(id.camera, cameraCreateTime && fromTimestamp(cameraCreateTime));
  }

  /** Hands batches over in their order, each when its pixels are in place. */
  async #inTurn<T>(filled: Promise<void> | undefined, send: () => Promise<T>): Promise<T> {
    const before = this.#sent;
    let sent = () => {};
    this.#sent = new Promise((resolve) => {
      sent = resolve;
    });
    try {
      await before;
      await filled;
      return send();
    } finally {
      sent();
    }
  }

  async #publish(work: Work, run: TurnRun, index: number): Promise<void> {
    const { model, publisher, metrics, tracing, log, inference, id: worker } = this.#options;
    const { frame, id, requestedAt } = work;
    const { startedAt, runMs, outputs } = run;
    const filter = await this.#filterOf(work);
    if (!this.#held.has(work)) return;
    if (!filter) {
      // Nobody asks for it any more, and its camera's metrics are gone.
      this.#letGo(work, DropReason.WORKER_ERROR);
      return this.#checkEmpty();
    }
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
    if (outcome === "late") {
      this.#drop(work, DropReason.WORKER_ERROR);
    } else {
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
    this.#checkEmpty();
  }

  #drop(work: Work, reason: FrameDropped["reason"]): void {
    this.#options.metrics.dropped(work.id.camera, reason);
    this.#letGo(work, reason);
  }

  #letGo(work: Work, reason: FrameDropped["reason"]): void {
    this.#held.delete(work);
    for (const shadowed of work.shadowed ?? []) shadowed.forget();
    work.kept?.forget();
    work.kept = undefined;
    this.#options.publisher.drop(work.id.camera, work.frame, reason);
    work.token.ack();
  }

  #checkEmpty(): void {
    if (this.#state === "DRAINING" && this.#batcher.idle && this.#held.size === 0) this.#onEmpty?.();
  }
}
