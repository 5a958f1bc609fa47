/** How long to wait before a camera that failed is connected again. */
export const reconnectRange = { firstMs: 500, mostMs: 30_000 };

interface Waiting {
  failures: number;
  enter: () => void;
}

/** More failures than this do not change a camera's turn, so that none waits forever. */
const mostFailures = 12;

/**
 * Allows only a few starts at a time, so that many cameras that cannot be received do not take the processor or the turns
 * of those that can. The camera with the fewest failures goes first, and cameras that have failed never take the last
 * quarter of the places.
 */
export class StartLimit {
  readonly #most: number;
  readonly #mostFailing: number;
  readonly #waiting: Waiting[] = [];
  #running = 0;
  #failing = 0;

  /** `most` starts at a time, at least 2. */
  constructor(most: number) {
    this.#most = Math.max(2, most);
    this.#mostFailing = this.#most - Math.ceil(this.#most / 4);
  }

  /**
   * Waits for a place for a camera that has failed this many times in a row. Returns a function that gives the place back,
   * once; undefined when `signal` aborts first.
   */
  async enter(failures: number, signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return undefined;
    const entered = Promise.withResolvers<boolean>();
    const waiting: Waiting = {
      failures: Math.min(failures, mostFailures),
      enter: () => entered.resolve(true),
    };
    const leave = () => {
      const index = this.#waiting.indexOf(waiting);
      // A start that already has its place gives it back with the returned function.
      if (index >= 0) entered.resolve(false);
      if (index >= 0) this.#waiting.splice(index, 1);
    };
    this.#waiting.push(waiting);
    signal.addEventListener("abort", leave, { once: true });
    this.#admit();
    const admitted = await entered.promise;
    signal.removeEventListener("abort", leave);
    if (!admitted) return undefined;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#running -= 1;
      if (waiting.failures > 0) this.#failing -= 1;
      this.#admit();
    };
  }

  #admit(): void {
    while (this.#running < this.#most) {
      const next = this.#waiting.reduce<Waiting | undefined>(
        (first, each) => (first && first.failures <= each.failures ? first : each),
        undefined,
      );
      if (!next || (next.failures > 0 && this.#failing >= this.#mostFailing)) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#running += 1;
      if (next.failures > 0) this.#failing += 1;
      next.enter();
    }
  }
}
