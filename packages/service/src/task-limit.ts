/** There are more tasks than may wait. */
export class TaskLimitError extends Error {
  override readonly name = "TaskLimitError";
}

/** Runs a few tasks at a time; a few more, or all, wait in turn, and others are refused. */
export class TaskLimit {
  readonly #mostRunning: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(mostRunning: number, mostWaiting = Number.POSITIVE_INFINITY) {
    this.#mostRunning = mostRunning;
    this.#mostWaiting = mostWaiting;
  }

  /** Tasks that run or wait. */
  get size(): number {
    return this.#running + this.#waiting.length;
  }

  /** @throws TaskLimitError at once when too many wait; else what the task throws */
  async run<R>(task: () => Promise<R>): Promise<R> {
    if (this.#running >= this.#mostRunning) {
      if (this.#waiting.length >= this.#mostWaiting)
        throw new TaskLimitError("too many tasks at the same time");
      // Whoever ends hands its place over, so none can slip in between.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

/** Runs one step at a time for each key. A key that is asked for while its step runs has it run once more after that, however often it was asked for. */
export class KeyedSteps {
  readonly #step: (key: string) => Promise<void>;
  /** Per key: the step that runs, and whether another must follow. */
  readonly #running = new Map<string, { again: boolean; done: Promise<void> }>();

  /** `step` must not reject. */
  constructor(step: (key: string) => Promise<void>) {
    this.#step = step;
  }

  /** Has the key's step run: at once, or again after the one that runs. */
  ask(key: string): void {
    const running = this.#running.get(key);
    if (running) {
      running.again = true;
      return;
    }
    const entry = { again: false, done: Promise.resolve() };
    this.#running.set(key, entry);
    entry.done = (async () => {
      do {
        entry.again = false;
        await this.#step(key);
      } while (entry.again);
      this.#running.delete(key);
    })();
  }

  /** Whether a step of the key runs. */
  isRunning(key: string): boolean {
    return this.#running.has(key);
  }

  /** Resolves when the steps that run now are done, and those that were asked for meanwhile. */
  async settled(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }
}
