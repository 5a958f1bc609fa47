import type { TokenPace } from "./share-plan.ts";

/**
 * Spaces a camera's tokens evenly, exact on average: one that is offered late does not put off the next. At most one that was missed is made up for at
 * once.
 */
export class Pacer {
  readonly #due: () => void;
  /** When the last token was due. */
  #last = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** Calls `due` when a token that was not due has become so. */
  constructor(due: () => void) {
    this.#due = due;
  }

  /** Whether a token may be offered now, which then counts as offered. */
  isDue({ intervalMs }: TokenPace): boolean {
    const now = performance.now();
    const due = this.#last + intervalMs;
    clearTimeout(this.#timer);
    if (now < due) {
      this.#timer = setTimeout(this.#due, due - now);
      return false;
    }
    // Before the first nothing was missed.
    this.#last = Number.isFinite(due) ? Math.max(due, now - intervalMs) : now;
    return true;
  }

  /** A token brought no frame: another may take its place. */
  missed(pace: TokenPace | undefined): void {
    if (pace) this.#last = Math.max(this.#last - pace.intervalMs, performance.now() - 2 * pace.intervalMs);
  }

  /** Offers nothing by itself any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
