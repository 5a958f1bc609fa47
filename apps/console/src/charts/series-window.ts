import type { HttpSample } from "@sightline/contracts";

/** The stages that a frame passes, in order. */
export const stages = ["decode", "queue", "batch", "infer", "post", "track", "deliver"] as const;

/** A longer time between samples is shown as a gap. */
const gapMs = 2_500;

type Column = (number | null)[];

/** The last minutes of one camera: each second once, oldest first. */
export class SeriesWindow {
  readonly #seconds: number;
  #samples: HttpSample[] = [];

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  /** Adds samples in any order; a known second is replaced. */
  add(samples: readonly HttpSample[]): void {
    const newest = this.#samples.at(-1)?.timeMs ?? Number.NEGATIVE_INFINITY;
    const [only] = samples;
    if (samples.length === 1 && only && only.timeMs > newest) this.#samples.push(only);
    else {
      const byTime = new Map([...this.#samples, ...samples].map((sample) => [sample.timeMs, sample]));
      this.#samples = [...byTime.values()].sort((a, b) => a.timeMs - b.timeMs);
    }
    const first = (this.#samples.at(-1)?.timeMs ?? 0) - this.#seconds * 1000;
    this.#samples = this.#samples.filter((sample) => sample.timeMs > first);
  }

  /** Times in seconds, and one column for each of `values`; null where nothing is known. */
  columns(values: readonly ((sample: HttpSample) => number | null)[]): [number[], ...Column[]] {
    const times: number[] = [];
    const columns: Column[] = values.map(() => []);
    let before: number | undefined;
    for (const sample of this.#samples) {
      if (before !== undefined && sample.timeMs - before > gapMs) {
        times.push((before + 1000) / 1000);
        for (const column of columns) column.push(null);
      }
      before = sample.timeMs;
      times.push(sample.timeMs / 1000);
      for (const [index, value] of values.entries()) columns[index]?.push(value(sample));
    }
    return [times, ...columns];
  }
}

/** Adds to each column those before it, so that they form a stack when drawn one behind the other. */
export function stack(columns: readonly Column[]): Column[] {
  const sums: Column[] = [];
  for (const column of columns) {
    const below = sums.at(-1);
    sums.push(column.map((value, row) => (value === null ? null : value + (below?.[row] ?? 0))));
  }
  return sums;
}
