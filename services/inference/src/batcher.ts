import type { BatchSizer } from "./batch-sizing.ts";
import { DurationEstimate } from "./duration-estimate.ts";

/** Time as the batcher sees it; tests provide their own. */
export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Calls back once at `time`; the returned function cancels. */
  at(time: number, callback: () => void): () => void;
}

export interface BatcherOptions<Token> {
  /** Sets the most frames of a batch, and estimates how long its run takes. */
  sizing: BatchSizer;
  /** Longest wait for more frames after the first of a batch, while the session is idle. */
  maxDelayMs: number;
  clock: Clock;
  /** Sets how many tokens are wanted now, beyond those that have arrived. Replaces the previous demand. */
  demand: (tokens: number) => void;
  /** Requests the token's frame; answered later by frameReady or frameAbsent. */
  fetch: (token: Token) => void;
  /** Hands a batch to the session, with its `frames` frames in place; answered later by runFinished. */
  run: (frames: number) => void;
}

/** Batches that the session has at a time: the running one and the next, so that it never waits for a message. */
const maxBatchesInSession = 2;
/** Batches that may be in progress beyond those in the session. */
const maxBatchesAhead = 2;
/** Batches that fit into memory: those in the session and the one being assembled. */
export const batchSlots = maxBatchesInSession + 1;

/**
 * Decides when to take tokens, when to request their frames, and when a batch goes to the session. Logic only: no I/O, time
 * is injected. It counts frames and does not hold them: only BatchSlots knows which frame is where.
 *
 * A frame's age counts from its request, so frames of the next batch are requested late: before the expected end of the
 * running batch, by the time that fetching has recently taken. Tokens are taken just before that, not earlier: a token that
 * a busy worker holds is not available to an idle worker. Where fetching takes longer than a run, as on a GPU, frames of
 * two batches are requested at a time.
 */
export class Batcher<Token> {
  readonly #options: BatcherOptions<Token>;
  readonly #fetchMs = new DurationEstimate(5);
  /** How much recent runs differ from what was expected, in milliseconds. */
  readonly #runErrorMs = new DurationEstimate(0);
  /** Measured run time divided by the warm-up's; follows the load of the machine. */
  #runScale = 1;
  readonly #tokens: Token[] = [];
  /** Most frames of the batch that is being assembled. */
  #size: number;
  /** Since when the session has been idle because there is no token. */
  #starvedSince: number | undefined;
  /** Frames in place for the next batch. */
  #ready = 0;
  #fetching = 0;
  #lastFetchAt = 0;
  /** When the first token of the batch that is being assembled arrived. */
  #openedAt: number | undefined;
  /** Sizes of the batches in the session, the running one first. */
  readonly #inSession: number[] = [];
  #runEndsAt = 0;
  #paused = false;
  #draining = false;
  #cancelWake: (() => void) | undefined;

  constructor(options: BatcherOptions<Token>) {
    this.#options = options;
    this.#size = options.sizing.size;
  }

  /** Begins to take tokens. */
  start(): void {
    this.#step();
  }

  /** Nothing is being fetched, assembled or run. */
  get idle(): boolean {
    return this.#fetching === 0 && this.#ready === 0 && this.#inSession.length === 0;
  }

  /** A token has arrived. It may be more than was asked for: a cancelled request and its answer can cross. */
  tokenArrived(token: Token): void {
    this.#tokens.push(token);
    const now = this.#options.clock.now();
    this.#openedAt ??= now;
    if (this.#starvedSince !== undefined) this.#options.sizing.starved(now - this.#starvedSince);
    this.#starvedSince = undefined;
    this.#step();
  }

  /** A frame is in its place in the batch, `fetchMs` after it was requested. */
  frameReady(fetchMs: number): void {
    this.#fetchMs.add(fetchMs);
    this.#fetching--;
    this.#ready++;
    this.#step();
  }

  /** There is no frame for a token that was fetched. */
  frameAbsent(): void {
    this.#fetching--;
    this.#closeWhenEmpty();
    this.#step();
  }

  /**
   * The oldest batch in the session has finished after running for `runMs`, or has failed (undefined). Before that, it
   * waited `waitedMs` while other models ran: for the batcher, a run begins when it is handed over.
   */
  runFinished(runMs: number | undefined, waitedMs = 0): void {
    const size = this.#inSession.shift();
    if (size !== undefined && runMs !== undefined) {
      const { sizing } = this.#options;
      const tookMs = runMs + waitedMs;
      this.#runErrorMs.add(Math.abs(tookMs - this.#expectedRunMs(size)));
      this.#runScale += (tookMs / sizing.runMs(size) - this.#runScale) / 8;
      sizing.ran(size, runMs, waitedMs);
    }
    const next = this.#inSession[0];
    if (next !== undefined) this.#runEndsAt = this.#options.clock.now() + this.#expectedRunMs(next);
    this.#step();
  }

  /** Takes no more tokens until resume(); returns the unused tokens, which the caller gives back. */
  pause(): Token[] {
    this.#paused = true;
    return this.#takeUnused();
  }

  resume(): void {
    this.#paused = false;
    this.#step();
  }

  /** Takes no more tokens and runs the present frames without waiting; returns the unused tokens. */
  drain(): Token[] {
    this.#draining = true;
    return this.#takeUnused();
  }

  #takeUnused(): Token[] {
    const unused = this.#tokens.splice(0);
    this.#closeWhenEmpty();
    this.#step();
    return unused;
  }

  #closeWhenEmpty(): void {
    if (this.#tokens.length + this.#fetching + this.#ready === 0) this.#openedAt = undefined;
  }

  #step(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    const now = this.#options.clock.now();
    if (this.#ready + this.#fetching === 0) this.#size = this.#options.sizing.size;
    if (!this.#paused && this.#mayRun(now)) this.#run(now);
    this.#options.demand(this.#assemble(now));
    const isStarved = this.#inSession.length === 0 && this.#openedAt === undefined;
    if (!isStarved || this.#paused || this.#draining) this.#starvedSince = undefined;
    else this.#starvedSince ??= now;
  }

  /** Fetches what is due, sets the time of the next step, and returns how many tokens are wanted now. */
  #assemble(now: number): number {
    if (this.#paused || this.#draining) return 0;
    const { fetch } = this.#options;
    const fetchable = this.#size * this.#batchesDue(now, 0);
    while (this.#tokens.length > 0 && this.#ready + this.#fetching < fetchable) {
      this.#fetching++;
      this.#lastFetchAt = now;
      fetch(this.#tokens.shift()!);
    }
    const idle = this.#inSession.length === 0;
    const closeAt = idle ? this.#closeAt() : Infinity;
    if (now >= closeAt) return 0;
    const takeAhead = this.#fetchMs.mean;
    const due = this.#batchesDue(now, takeAhead);
    if (closeAt < Infinity) this.#wakeAt(closeAt);
    else if (!idle && this.#tokens.length > 0) this.#wakeAt(this.#fetchAt(0, now), now);
    else if (!idle) this.#wakeAt(this.#fetchAt(due, now) - takeAhead, now);
    return Math.max(0, this.#size * due - this.#tokens.length - this.#fetching - this.#ready);
  }

  /** How many batches beyond those in the session should have been requested `ahead` ms from now. */
  #batchesDue(now: number, ahead: number): number {
    // While the size shrinks to a smaller batch: no more than that batch can take.
    const batches = this.#options.sizing.size < this.#size ? 1 : maxBatchesAhead;
    const room = Math.min(batches, batchSlots - this.#inSession.length);
    if (this.#inSession.length === 0) return this.#fetchMs.mean > this.#expectedRunMs(this.#size) ? room : 1;
    let due = 0;
    while (due < room && now + ahead >= this.#fetchAt(due, now)) due++;
    return due;
  }

  /**
   * When the frames of a batch should be requested: the batch that runs next (0) or the one after it (1). The next one has
   * a margin, so that its frames are nearly always there in time; the one after matters only where fetching takes longer
   * than a run.
   */
  #fetchAt(position: number, now: number): number {
    // A run that takes longer than expected has not ended yet.
    const runEndsAt = position === 0 ? this.#runEndsAt : Math.max(this.#runEndsAt, now);
    const queued = this.#inSession[1];
    const free = runEndsAt + (queued === undefined ? 0 : this.#expectedRunMs(queued));
    if (position === 0) return free - this.#fetchMs.high - 2 * this.#runErrorMs.mean;
    return free + position * this.#expectedRunMs(this.#size) - this.#fetchMs.mean;
  }

  #mayRun(now: number): boolean {
    if (this.#ready === 0 || this.#inSession.length >= maxBatchesInSession) return false;
    if (this.#ready >= this.#size) return true;
    if (this.#draining) return this.#fetching === 0;
    return this.#inSession.length === 0 && now >= this.#closeAt();
  }

  /** When the batch is run as it is. Requested frames are waited for as long as fetching usually takes. */
  #closeAt(): number {
    if (this.#openedAt === undefined || (this.#ready === 0 && this.#fetching === 0)) return Infinity;
    const deadline = this.#openedAt + this.#options.maxDelayMs;
    if (this.#fetching === 0) return deadline;
    const patience = this.#lastFetchAt + this.#fetchMs.high;
    return this.#ready === 0 ? Infinity : Math.max(deadline, patience);
  }

  #run(now: number): void {
    const { sizing, run } = this.#options;
    const frames = this.#ready;
    this.#ready = 0;
    sizing.handedOver(frames);
    // Requested frames have a place in the next batch.
    if (this.#fetching <= sizing.size) this.#size = sizing.size;
    this.#openedAt = this.#tokens.length + this.#fetching > 0 ? now : undefined;
    if (this.#inSession.length === 0) this.#runEndsAt = now + this.#expectedRunMs(frames);
    this.#inSession.push(frames);
    run(frames);
  }

  #expectedRunMs(size: number): number {
    return this.#options.sizing.runMs(size) * this.#runScale;
  }

  #wakeAt(time: number, after = -Infinity): void {
    if (time <= after) return;
    this.#cancelWake = this.#options.clock.at(time, () => {
      this.#cancelWake = undefined;
      this.#step();
    });
  }
}
