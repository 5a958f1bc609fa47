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
  #offeredAt = 0;

  /** A frame is there, at this monotonic time in ms. */
  arrived(now: number): void {
    if (this.#arrivedAt !== undefined) {
      const interval = now - this.#arrivedAt;
      this.#intervalMs =
        this.#intervalMs === Infinity ? interval : Math.max(interval, 0.9 * this.#intervalMs);
    }
    this.#arrivedAt = now;
  }

  /** A token was put into the queue. */
  offered(now: number): void {
    this.#offeredAt = now;
  }

  /** The token has brought a frame to a worker; whether the next will be there before another token is taken. */
  taken(now: number): boolean {
    return now - this.#offeredAt > margin * this.#intervalMs;
  }
}
