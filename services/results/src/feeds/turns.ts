/** Lets so many tasks run at a time; the others wait, first come first served. */
export class Turns {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Runs a task when it is its turn. */
  async take<R>(task: () => Promise<R>): Promise<R> {
    if (this.#running < this.#most) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      // The place passes on as it is.
      if (next) next();
      else this.#running--;
    }
  }
}
