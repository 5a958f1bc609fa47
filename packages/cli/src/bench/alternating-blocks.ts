/** Time of one run, in milliseconds. */
export interface RunTime {
  readonly ms: number;
  /** Processor time of all threads of the process; other work on the machine affects it less. */
  readonly cpuMs: number;
}

/** Times of all runs of a subject, in milliseconds; each list is sorted ascending on its own. */
export interface RunTimes {
  readonly ms: readonly number[];
  readonly cpuMs: readonly number[];
}

/** Something to time repeatedly: run by run in this process, or block by block in a process that measures itself. */
export type TimedSubject =
  | {
      /** One timed run. */
      run(): Promise<unknown>;
    }
  | {
      /**
       * One untimed run, then runs for at least `blockMs` milliseconds, and at least two.
       * @returns the times of all runs except the first
       */
      timeBlock(blockMs: number): Promise<readonly RunTime[]>;
    };

export interface BlockOptions {
  readonly rounds: number;
  /** A block lasts at least this long, in milliseconds, and has at least two runs. */
  readonly blockMs: number;
  readonly signal: AbortSignal;
  readonly onBlock?: (done: number, total: number) => void;
}

/**
 * Time subjects in alternating blocks, so that other work on the machine affects all of them equally. Within a block a subject runs alone
 * after one untimed run: models that alternated run by run would evict each other's weights from the caches.
 * @returns the times of each subject's runs
 */
export async function timeInBlocks(
  subjects: readonly TimedSubject[],
  options: BlockOptions,
): Promise<RunTimes[]> {
  const times = subjects.map((): RunTime[] => []);
  const total = options.rounds * subjects.length;
  let done = 0;
  for (let round = 0; round < options.rounds; round++) {
    for (const [index, subject] of subjects.entries()) {
      options.signal.throwIfAborted();
      const block =
        "run" in subject ? await timeRuns(subject.run, options) : await subject.timeBlock(options.blockMs);
      times[index]!.push(...block);
      options.onBlock?.(++done, total);
    }
  }
  const ascending = (values: number[]) => values.sort((a, b) => a - b);
  return times.map((runs) => ({
    ms: ascending(runs.map(({ ms }) => ms)),
    cpuMs: ascending(runs.map(({ cpuMs }) => cpuMs)),
  }));
}

async function timeRuns(run: () => Promise<unknown>, { blockMs, signal }: BlockOptions): Promise<RunTime[]> {
  await run();
  const times: RunTime[] = [];
  const began = performance.now();
  while (times.length < 2 || performance.now() - began < blockMs) {
    signal.throwIfAborted();
    const cpu = process.cpuUsage();
    const start = performance.now();
    await run();
    const ms = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    times.push({ ms, cpuMs: (user + system) / 1000 });
  }
  return times;
}

/** A quantile of ascending values: the smallest value such that at least this share of all values is not larger. */
export function quantile(ascending: readonly number[], part: number): number {
  return ascending[Math.max(0, Math.ceil(part * ascending.length) - 1)]!;
}
