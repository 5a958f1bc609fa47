const baseMs = 500;
const capMs = 30_000;
/** Doublings from the base to the cap. */
const doublings = Math.ceil(Math.log2(capMs / baseMs));

/**
 * Waiting times between attempts: exponential from 0.5 s to 30 s with full jitter, so that cameras that failed
 * together do not come back together (Brooker, "Exponential Backoff And Jitter", 2015).
 */
export class Backoff {
  readonly #random: () => number;
  #failures: number;

  /** `failures` are those before; `random` gives numbers in [0, 1). */
  constructor(failures = 0, random: () => number = Math.random) {
    this.#failures = failures;
    this.#random = random;
  }

  /** Attempts that failed since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** An attempt failed. */
  fail(): void {
    this.#failures += 1;
  }

  /** Milliseconds to wait before the next attempt; 0 when the last succeeded. */
  get waitMs(): number {
    if (this.#failures === 0) return 0;
    return this.#random() * Math.min(capMs, baseMs * 2 ** Math.min(this.#failures - 1, doublings));
  }

  /** The last attempt succeeded: the next failure waits briefly again. */
  reset(): void {
    this.#failures = 0;
  }
}
