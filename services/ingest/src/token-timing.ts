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
