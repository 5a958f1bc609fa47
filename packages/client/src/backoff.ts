const firstMs = 100;
const longestMs = 5_000;

/** How long to wait before the next attempt: longer from one to the next, and never the same for all who wait. */
export class Backoff {
  #attempts = 0;

  /** The last attempt was worth it. */
  reset(): void {
    this.#attempts = 0;
  }

  /** Milliseconds to wait now: between a half and the whole of a time that doubles, up to 5 s. */
  next(): number {
    const whole = Math.min(longestMs, firstMs * 2 ** this.#attempts);
    this.#attempts = Math.min(this.#attempts + 1, 16);
    return whole * (0.5 + Math.random() / 2);
  }
}
