/** One thing to time again and again. */
export interface Subject {
  /** One timed run. */
  run(): Promise<unknown>;
}

export interface BlockOptions {
  readonly rounds: number;
  /** A block goes on for at least this long, in milliseconds, and at least twice. */
  readonly blockMs: number;
  readonly signal: AbortSignal;
  readonly onBlock?: (done: number, total: number) => void;
}

/**
 * Time subjects in alternating blocks, so that whatever else the machine does falls on all alike. Within a block a
 * subject runs alone after one untimed run: models that alternated run by run would evict each other's weights from
 * the caches.
 * @returns the durations of each subject's runs, in milliseconds, ascending
 */
export async function timeInBlocks(subjects: readonly Subject[], options: BlockOptions): Promise<number[][]> {
  const times = subjects.map((): number[] => []);
  const total = options.rounds * subjects.length;
  let done = 0;
  for (let round = 0; round < options.rounds; round++) {
    for (const [index, subject] of subjects.entries()) {
      await subject.run();
      const began = performance.now();
      for (let runs = 0; runs < 2 || performance.now() - began < options.blockMs; runs++) {
        options.signal.throwIfAborted();
        const start = performance.now();
        await subject.run();
        times[index]!.push(performance.now() - start);
      }
      options.onBlock?.(++done, total);
    }
  }
  return times.map((list) => list.sort((a, b) => a - b));
}

/** A quantile of ascending values: the smallest that at least the given part does not exceed. */
export function quantile(ascending: readonly number[], part: number): number {
  return ascending[Math.max(0, Math.ceil(part * ascending.length) - 1)]!;
}
