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
