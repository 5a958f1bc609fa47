import { runMs } from "@sightline/service";
import { type BatchGoal, type CurvePoint, isWorthwhile, soonestBatch } from "./batch-curve.ts";

/** What the batcher tells and is told of the size of batches. */
export interface BatchSizer {
  /** Frames of the next batch at most. */
  readonly size: number;
  /** Expected milliseconds of a run, when nothing else keeps the machine. */
  runMs(frames: number): number;
  /** A batch goes to the session. */
  handedOver(frames: number): void;
  /** A batch has run for `runMs`, and waited for its turn for `waitedMs` before. */
  ran(frames: number, runMs: number, waitedMs: number): void;
  /** The session had nothing to do for so long because there was no token. */
  starved(ms: number): void;
}

export interface BatchSizingOptions {
  /** As measured at warm-up, smallest batch first. */
  curve: readonly CurvePoint[];
  /** The sizes that may be chosen, smallest first. */
  sizes: readonly number[];
  /** The one to begin with. */
  size: number;
  goal: BatchGoal;
  /** Milliseconds, monotonic. */
  now: () => number;
  /** The size for more than can be inferred is another one now. */
  onChange?: (size: number, before: number) => void;
}

/** The load is judged over so much time and so many runs at least. */
const windowMs = 1_000;
const windowRuns = 4;
/** With less of the time without tokens than this, more is offered than is inferred. */
const saturatedBelow = 0.03;
/** A smaller batch must leave this share of the time free. */
const spare = 0.15;
/** Runs of each of two sizes that are compared, by turns, and how many of them count: the fastest. */
const comparedRuns = 6;
const countedRuns = 3;
/** By so much the gain must differ from what is asked for before the size that is in use is left. */
const margin = 0.03;
/** Time to the next comparison: after one that changed the size, and after others, doubling. */
const soonMs = 2_000;
const firstMs = 10_000;
const longestMs = 300_000;

interface Comparison {
  smaller: number;
  larger: number;
  /** Batches of each handed over. */
  sent: Map<number, number>;
  /** Milliseconds of their runs. */
  times: Map<number, number[]>;
  /** Batches of neither size, as when a frame is late. */
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
 * Chooses how many frames a batch may have, while running. Where the session has time to spare: the smallest that keeps up with what is
 * offered, or one that has its frames done sooner. Where it has none, it grows up to the size that the goal chooses.
 *
 * That size comes from the warm-up, when the machine may have been busy. So under overload it is compared with its neighbours
 * now and then: runs of both by turns, so that whatever else the machine does slows down both alike.
 */
export class BatchSizing implements BatchSizer {
  readonly #options: BatchSizingOptions;
  /** As it is known now, smallest batch first. */
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

  /** The size for more than can be inferred. */
  get full(): number {
    return this.#full;
  }

  /** How long runs take as far as is known now, smallest batch first. */
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

  /** Begins to compare the size in use with the next larger or smaller one, in turn. */
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
    // The one in use is known from many runs; the other is so many times slower or faster.
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

/** A size that was not measured: in proportion to those that were. */
function guess(curve: readonly CurvePoint[], batch: number): CurvePoint {
  const fastestRuns = curve.map((point) => ({ batch: point.batch, milliseconds: point.fastest }));
  return { batch, milliseconds: runMs(curve, batch), fastest: runMs(fastestRuns, batch) };
}

/** Mean of the fastest runs: other work on the machine can only slow a run down. */
function fastestOf(times: readonly number[]): number {
  const counted = [...times].sort((a, b) => a - b).slice(0, countedRuns);
  return counted.reduce((sum, ms) => sum + ms, 0) / counted.length;
}
