/** Does tasks a few at a time, in the order in which they were given; those that are not wanted any more are left out. */
export class RequestQueue {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** `most` at a time. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Does a task when it is its turn. @throws what the task throws, or the signal's reason when it was given up before */
  async run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    // Whoever ends hands its place on, so that nobody comes in between.
    if (this.#running >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      signal.throwIfAborted();
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
