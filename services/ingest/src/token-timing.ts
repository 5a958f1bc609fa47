import type { TokenPace } from "./shares/share-plan.ts";

/** By how much a token's way to a worker must be longer than the time to the next frame. */
const margin = 1.5;

/**
 * Says whether a camera's next token may be offered before its next frame is there. Where cameras queue for workers, a token
 * that is offered only with the frame comes to the queue later by up to the camera's interval, so cameras with few frames
 * would get fewer turns than those with many.
 */
export class TokenTiming {
  #arrivedAt: number | undefined;
  /** Between the last frames; the longest of late counts. */
  #intervalMs = Infinity;

  /** A frame is there, at this monotonic time in ms. */
  arrived(now: number): void {
    if (this.#arrivedAt !== undefined) {
      const interval = now - this.#arrivedAt;
      this.#intervalMs =
        this.#intervalMs === Infinity ? interval : Math.max(interval, 0.9 * this.#intervalMs);
    }
    this.#arrivedAt = now;
  }

  /** Whether the next frame will be there before a token is taken, when tokens wait so long for a worker. */
  isLong(waitMs: number): boolean {
    return waitMs > margin * this.#intervalMs;
  }

  /** How many frames come in this time. */
  framesIn(ms: number): number {
    return Math.floor(ms / this.#intervalMs);
  }
}

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
