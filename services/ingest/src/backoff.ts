const baseMs = 500;
const capMs = 30_000;

/**
 * Waiting times between attempts: exponential from 0.5 s to 30 s with full jitter, so that cameras that failed
 * together do not come back together (Brooker, "Exponential Backoff And Jitter", 2015).
 */
export class Backoff {
  readonly #random: () => number;
  #attempt = 0;

  /** `random` gives numbers in [0, 1). */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const ceiling = Math.min(capMs, baseMs * 2 ** this.#attempt);
    if (ceiling < capMs) this.#attempt += 1;
    return this.#random() * ceiling;
  }

  /** The last attempt succeeded: the next failure waits briefly again. */
  reset(): void {
    this.#attempt = 0;
  }
}
