/** Milliseconds: how long to wait after the first failure, and the most to wait after many. */
export interface WaitRange {
  firstMs: number;
  mostMs: number;
}

/**
 * Milliseconds to wait after this number of failed attempts (from 1): between half and all of a time that doubles with each failure. The
 * random part keeps clients that failed together, as when a server stops, from all coming back at once.
 * @param random gives a number in [0, 1)
 */
export function backoffMs(failures: number, { firstMs, mostMs }: WaitRange, random = Math.random): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return whole * (0.5 + random() / 2);
}

/** Counts failed attempts and says how long to wait before the next. */
export class Backoff {
  readonly #range: WaitRange;
  readonly #random: () => number;
  #failures: number;
  #waitMs = 0;

  /** `failures` is the number of attempts that failed before; `random` gives numbers in [0, 1). */
  constructor(range: WaitRange, { failures = 0, random = Math.random } = {}) {
    this.#range = range;
    this.#random = random;
    this.#failures = failures;
    this.#wait();
  }

  /** Failed attempts since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds to wait before the next attempt; 0 when the last succeeded. */
  get waitMs(): number {
    return this.#waitMs;
  }

  /** An attempt failed. Returns `waitMs`. */
  fail(): number {
    this.#failures += 1;
    return this.#wait();
  }

  /** The last attempt succeeded: the next failure has a short wait again. */
  reset(): void {
    this.#failures = 0;
    this.#wait();
  }

  #wait(): number {
    this.#waitMs = this.#failures === 0 ? 0 : backoffMs(this.#failures, this.#range, this.#random);
    return this.#waitMs;
  }
}
