import { setTimeout as delay } from "node:timers/promises";
import { DropReason, framePixelBytes, pixelFormatOf } from "@sightline/contracts";
import { monotonicMs } from "@sightline/service/clock";
import type { BatchSizer } from "./batch-sizing.ts";
import type { BatchSlots } from "./batch-slots.ts";
import { Batcher } from "./batcher.ts";
import { WorkerError } from "./errors.ts";
import { FrameReader, type FrameReaderOptions } from "./frame-reader.ts";
import type { FetchedFrame, FrameSource } from "./frame-source.ts";
import { HeldFrames, type HeldFramesOptions, type Work } from "./held-frames.ts";
import type { BatchRunner, TurnRun } from "./session-messages.ts";
import type { HeldToken, TokenSource } from "./token-source.ts";

/**
 * INITIALIZED: built, takes nothing yet. RUNNING: takes tokens. PAUSED: takes none, because its session is gone and is
 * being restarted. DRAINING: takes none, and finishes the frames that it has. STOPPED: has no frames.
 */
export type WorkerState = "INITIALIZED" | "RUNNING" | "PAUSED" | "DRAINING" | "STOPPED";

export interface WorkerOptions extends FrameReaderOptions, HeldFramesOptions {
  sizing: BatchSizer;
  maxDelayMs: number;
  runner: BatchRunner;
  slots: BatchSlots<Work>;
  frames: Pick<FrameSource, "fetch">;
  /** Creates the worker's source of tokens; `onToken` takes each token. */
  tokens: (onToken: (token: HeldToken) => void) => Pick<TokenSource, "demand" | "stop" | "returnsAnyTime">;
}

function checkCount(found: number, expected: number): void {
  if (found !== expected)
    throw new WorkerError("batch_mismatch", `the batch holds ${found} frames but should hold ${expected}`);
}

/** How long stop() waits for frames in progress by default; less than the 15 s in which the process must end. */
const drainLimitMs = 4_000;

/** Takes tokens, fetches their frames, has them inferred in batches, and publishes the results. */
export class InferenceWorker {
  readonly #options: WorkerOptions;
  readonly #batcher: Batcher<HeldToken>;
  readonly #tokens: Pick<TokenSource, "demand" | "stop" | "returnsAnyTime">;
  readonly #reader: FrameReader;
  readonly #held: HeldFrames;
  /** Tokens to give back once no more are requested. */
  readonly #unused: HeldToken[] = [];
  /** Resolves when all earlier batches have gone to the session, which takes them in order. */
  #sent: Promise<void> = Promise.resolve();
  #state: WorkerState = "INITIALIZED";
  #stopping: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#reader = new FrameReader(options);
    this.#held = new HeldFrames(options);
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

  /** Follows the session's state: while it is unavailable nothing is taken, and the tokens in hand go to other workers. */
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
   * Takes no more tokens and gives unused ones back at once; then finishes and publishes the frames that it has. Frames not
   * finished after `limitMs` are dropped as worker_error. Safe to call twice.
   */
  stop(limitMs = drainLimitMs): Promise<void> {
    this.#stopping ??= this.#stop(limitMs);
    return this.#stopping;
  }

  async #stop(limitMs: number): Promise<void> {
    this.#state = "DRAINING";
    const deadline = delay(limitMs, undefined, { ref: false });
    const unused = this.#batcher.drain();
    if (this.#tokens.returnsAnyTime) this.#giveBack(unused);
    else this.#unused.push(...unused);
    await Promise.race([this.#tokens.stop(), deadline]);
    this.#giveBack(this.#unused.splice(0));
    await Promise.race([this.#finished(), deadline]);
    this.#state = "STOPPED";
    this.#held.dropAll(DropReason.WORKER_ERROR);
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
    let refusal = this.#reader.refusal(frame, fetchMs);
    if (refusal === undefined)
      try {
        metrics.all.received(pixels instanceof Uint8Array ? "bytes" : "handle");
        const bytes = framePixelBytes(frame.width, frame.height, pixelFormatOf(this.#options.pixelFormat));
        const lost = () => this.#dropHeld(work);
        slots.add(work, bytes, this.#reader.filling({ id, frame, pixels }, lost));
      } catch (error) {
        log.error({ camera: id.camera, err: error }, "the frame could not be added to the batch");
        refusal = DropReason.WORKER_ERROR;
      }
    if (refusal === undefined) {
      this.#batcher.frameReady(fetchMs + this.#reader.readMs);
      return;
    }
    this.#held.drop(work, refusal);
    this.#batcher.frameAbsent();
    this.#checkEmpty();
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
      metrics.batchFailed((error as WorkerError).code === "batch_mismatch" ? "mismatch" : "run");
      log.error({ err: error, frames }, "batch failed");
    }
    if (run) this.#held.keep(items, (index) => slots.pixels(slot, index));
    slots.release(slot);
    this.#batcher.runFinished(run?.runMs, run?.waitedMs);
    for (const [index, work] of items.entries())
      if (!run) this.#dropHeld(work);
      else if (this.#held.has(work)) void this.#publish(work, run, index);
    this.#checkEmpty();
  }

  /** The frame keeps its place in the batch, but has no result. */
  #dropHeld(work: Work): void {
    if (this.#held.has(work)) this.#held.drop(work, DropReason.WORKER_ERROR);
  }

  async #publish(work: Work, run: TurnRun, index: number): Promise<void> {
    await this.#held.publish(work, run, index);
    this.#checkEmpty();
  }

  /** Hands batches over in order, each when its pixels are in place. */
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

  #checkEmpty(): void {
    if (this.#state === "DRAINING" && this.#batcher.idle && this.#held.size === 0) this.#onEmpty?.();
  }
}
