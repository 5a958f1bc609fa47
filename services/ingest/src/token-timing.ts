import type { TokenPace } from "./shares/share-plan.ts";

/** How many times longer a token's way to a worker must be than the time to the next frame. */
const margin = 1.5;

/**
 * Decides whether a camera's next token may be offered before its next frame is there. Where cameras queue for workers, a
 * token that is offered only with its frame enters the queue later, by up to the camera's interval, so cameras with few
 * frames would get fewer turns than those with many.
 */
export class TokenTiming {
  #arrivedAt: number | undefined;
  /** Interval between the last frames; the longest recent one counts. */
  #intervalMs = Infinity;

  /** A frame has arrived, at this monotonic time in ms. */
  arrived(now: number): void {
    if (this.#arrivedAt !== undefined) {
      const interval = now - this.#arrivedAt;
      this.#intervalMs =
        this.#intervalMs === Infinity ? interval : Math.max(interval, 0.9 * this.#intervalMs);
    }
    this.#arrivedAt = now;
  }

  /** Whether the next frame will be there before a token is taken, when tokens wait this long for a worker. */
  isLong(waitMs: number): boolean {
    return waitMs > margin * this.#intervalMs;
  }

  /** The number of frames that come in this time. */
  framesIn(ms: number): number {
    return Math.floor(ms / this.#intervalMs);
  }
}

/**
 * Spaces a camera's tokens evenly, exact on average: a token that is offered late does not delay the next. At most one
 * missed token is made up for at once.
 */
export class Pacer {
  readonly #due: () => void;
  /** When the last token was due. */
  #last = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** Calls `due` when a token becomes due that was not due before. */
  constructor(due: () => void) {
    this.#due = due;
  }

  /** Whether a token may be offered now; if so, it counts as offered. */
  isDue({ intervalMs }: TokenPace): boolean {
    const now = performance.now();
    const due = this.#last + intervalMs;
    clearTimeout(this.#timer);
    if (now < due) {
      this.#timer = setTimeout(this.#due, due - now);
      return false;
    }
    // Before the first token, none was missed.
    this.#last = Number.isFinite(due) ? Math.max(due, now - intervalMs) : now;
    return true;
  }

  /** A token brought no frame: another one may replace it. */
  missed(pace: TokenPace | undefined): void {
    if (pace) this.#last = Math.max(this.#last - pace.intervalMs, performance.now() - 2 * pace.intervalMs);
  }

  /** Stops offering tokens by itself. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
