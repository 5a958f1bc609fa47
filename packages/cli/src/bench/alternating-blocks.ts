/** What a run took, in milliseconds. */
export interface RunTime {
  readonly ms: number;
  /** Processor time of all threads of the process, which other work on the machine disturbs less. */
  readonly cpuMs: number;
}

/** What all runs of a subject took, in milliseconds, each list ascending by itself. */
export interface RunTimes {
  readonly ms: readonly number[];
  readonly cpuMs: readonly number[];
}

/** One thing to time again and again: run by run here, or a block at a time where it runs in a process that measures itself. */
export type TimedSubject =
  | {
      /** One timed run. */
      run(): Promise<unknown>;
    }
  | {
      /**
       * One untimed run, then runs for at least `blockMs` milliseconds, and at least two.
       * @returns what each but the first took
       */
      timeBlock(blockMs: number): Promise<readonly RunTime[]>;
    };

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
 * @returns what each subject's runs took
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

/** A quantile of ascending values: the smallest that at least the given part does not exceed. */
export function quantile(ascending: readonly number[], part: number): number {
  return ascending[Math.max(0, Math.ceil(part * ascending.length) - 1)]!;
}
