import { runMs } from "@sightline/service";
import { type BatchGoal, type CurvePoint, isWorthwhile, soonestBatch } from "./batch-curve.ts";

/** Chooses the batch size for the batcher, from what the batcher reports. */
export interface BatchSizer {
  /** Most frames of the next batch. */
  readonly size: number;
  /** Expected milliseconds of a run when nothing else uses the machine. */
  runMs(frames: number): number;
  /** A batch goes to the session. */
  handedOver(frames: number): void;
  /** A batch has run for `runMs`, after it had waited `waitedMs` for its turn. */
  ran(frames: number, runMs: number, waitedMs: number): void;
  /** The session was idle for this long because there was no token. */
  starved(ms: number): void;
}

export interface BatchSizingOptions {
  /** As measured at warm-up, smallest batch first. */
  curve: readonly CurvePoint[];
  /** The sizes that may be chosen, smallest first. */
  sizes: readonly number[];
  /** The first size to use. */
  size: number;
  goal: BatchGoal;
  /** Milliseconds, monotonic. */
  now: () => number;
  /** Called when the size for overload has changed. */
  onChange?: (size: number, before: number) => void;
}

/** The load is judged over at least this much time and this many runs. */
const windowMs = 1_000;
const windowRuns = 4;
/** If less than this share of the time is without tokens, more frames are offered than can be inferred. */
const saturatedBelow = 0.03;
/** A smaller batch must leave this share of the time free. */
const spare = 0.15;
/** Number of runs of each of the two compared sizes, which alternate, and how many of them count: the fastest. */
const comparedRuns = 6;
const countedRuns = 3;
/** How much the gain must differ from the required one before the current size is changed. */
const margin = 0.03;
/** Time to the next comparison: after one that changed the size, and after others; the latter doubles each time. */
const soonMs = 2_000;
const firstMs = 10_000;
const longestMs = 300_000;

interface Comparison {
  smaller: number;
  larger: number;
  /** Number of batches handed over, by size. */
  sent: Map<number, number>;
  /** Milliseconds of their runs. */
  times: Map<number, number[]>;
  /** Batches of neither size, for example when a frame is late. */
  others: number;
}

interface Window {
  since: number;
  frames: number;
  runs: number;
  busyMs: number;
  /** What the runs should have taken. */
  expectedMs: number;
  starvedMs: number;
}

const emptyWindow = (since: number): Window => ({
  ...{ since, frames: 0, runs: 0, busyMs: 0, expectedMs: 0, starvedMs: 0 },
});

/**
 * Chooses how many frames a batch may have, during operation. Where the session has spare time: the smallest size that
 * keeps up with the offered frames, or one that completes its frames sooner. Where it has none, the size grows up to the
 * one that the goal chooses.
 *
 * That size comes from the warm-up, when the machine may have been busy. So under overload it is compared with its
 * neighbours from time to time: runs of both sizes alternate, so that other work on the machine slows both down alike.
 */
export class BatchSizing implements BatchSizer {
  readonly #options: BatchSizingOptions;
  /** As known so far, smallest batch first. */
  readonly #curve: CurvePoint[];
  #size: number;
  #full: number;
  #comparison: Comparison | undefined;
  #compareAt: number;
  #waitMs = firstMs;
  #nextUp = true;
  #window: Window;

  constructor(options: BatchSizingOptions) {
    this.#options = options;
    const { curve, sizes, size, now } = options;
    const all = [...new Set([...curve.map(({ batch }) => batch), ...sizes])].sort((a, b) => a - b);
    this.#curve = all
      .map((batch) => curve.find((point) => point.batch === batch) ?? guess(curve, batch))
      .map((point) => ({ ...point }));
    this.#size = size;
    this.#full = size;
    this.#compareAt = now() + firstMs;
    this.#window = emptyWindow(now());
  }

  get size(): number {
    const comparison = this.#comparison;
    if (!comparison) return this.#size;
    const { smaller, larger, sent } = comparison;
    return (sent.get(smaller) ?? 0) <= (sent.get(larger) ?? 0) ? smaller : larger;
  }

  /** The size for overload. */
  get full(): number {
    return this.#full;
  }

  /** How long runs take, as known so far, smallest batch first. */
  get curve(): readonly CurvePoint[] {
    return this.#curve;
  }

  runMs(frames: number): number {
    return runMs(this.#curve, frames);
  }

  handedOver(frames: number): void {
    const comparison = this.#comparison;
    if (!comparison) return;
    if (frames === comparison.smaller || frames === comparison.larger)
      comparison.sent.set(frames, (comparison.sent.get(frames) ?? 0) + 1);
    else if (++comparison.others > comparedRuns) this.#comparison = undefined;
  }

  starved(ms: number): void {
    this.#window.starvedMs += ms;
  }

  ran(frames: number, ms: number, waitedMs: number): void {
    const window = this.#window;
    window.frames += frames;
    window.runs++;
    window.busyMs += ms + waitedMs;
    window.expectedMs += this.runMs(frames);
    this.#comparison?.times.get(frames)?.push(ms);
    this.#conclude();
    const now = this.#options.now();
    if (window.runs < windowRuns || now - window.since < windowMs) return;
    this.#window = emptyWindow(now);
    this.#judge(window, now - window.since);
  }

  #judge(window: Window, elapsed: number): void {
    const { sizes, now } = this.#options;
    if (window.starvedMs / elapsed < saturatedBelow) {
      if (this.#size < this.#full) this.#size = sizes.find((size) => size > this.#size) ?? this.#full;
      else if (!this.#comparison && now() >= this.#compareAt) this.#compare();
      return;
    }
    this.#comparison = undefined;
    const slowness = window.busyMs / window.expectedMs;
    const busy = (size: number) => ((window.frames / elapsed) * slowness * this.runMs(size)) / size;
    const enough = sizes.find((size) => busy(size) <= 1 - spare) ?? this.#full;
    this.#size = Math.max(Math.min(this.#size, enough), soonestBatch(this.#curve, this.#full));
  }

  /** Begins to compare the current size with the next larger or smaller one, alternately. */
  #compare(): void {
    const { sizes } = this.#options;
    const at = sizes.indexOf(this.#full);
    const [up, down] = [sizes[at + 1], sizes[at - 1]];
    const other = this.#nextUp ? (up ?? down) : (down ?? up);
    this.#nextUp = !this.#nextUp;
    if (other === undefined) return;
    const [smaller, larger] = other < this.#full ? [other, this.#full] : [this.#full, other];
    const times = new Map<number, number[]>([smaller, larger].map((size) => [size, []]));
    this.#comparison = { smaller, larger, sent: new Map(), times, others: 0 };
  }

  #conclude(): void {
    const { goal, now, onChange } = this.#options;
    if (!this.#comparison) return;
    const { smaller, larger, times } = this.#comparison;
    const [ofSmaller, ofLarger] = [times.get(smaller)!, times.get(larger)!];
    if (Math.min(ofSmaller.length, ofLarger.length) < comparedRuns) return;
    this.#comparison = undefined;
    const before = this.#full;
    const ratio = fastestOf(ofLarger) / fastestOf(ofSmaller);
    // The current size is known from many runs; the other one is measured as a multiple of it.
    const point = (size: number) => this.#curve.find(({ batch }) => batch === size)!;
    const [other, factor] = before === smaller ? [larger, ratio] : [smaller, 1 / ratio];
    const { milliseconds, fastest } = point(before);
    Object.assign(point(other), { milliseconds: milliseconds * factor, fastest: fastest * factor });
    const isWorth = isWorthwhile(point(larger), point(smaller), goal, before === smaller ? margin : -margin);
    this.#full = isWorth ? larger : smaller;
    this.#size = this.#full;
    if (this.#full === before) {
      this.#compareAt = now() + this.#waitMs;
      this.#waitMs = Math.min(2 * this.#waitMs, longestMs);
      return;
    }
    this.#compareAt = now() + soonMs;
    this.#waitMs = firstMs;
    onChange?.(this.#full, before);
  }
}

/** Estimates a size that was not measured, in proportion to those that were. */
function guess(curve: readonly CurvePoint[], batch: number): CurvePoint {
  const fastestRuns = curve.map((point) => ({ batch: point.batch, milliseconds: point.fastest }));
  return { batch, milliseconds: runMs(curve, batch), fastest: runMs(fastestRuns, batch) };
}

/** Mean of the fastest runs: other work on the machine can only slow a run down. */
function fastestOf(times: readonly number[]): number {
  const counted = [...times].sort((a, b) => a - b).slice(0, countedRuns);
  return counted.reduce((sum, ms) => sum + ms, 0) / counted.length;
}
