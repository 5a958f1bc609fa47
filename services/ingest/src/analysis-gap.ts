/**
 * For how long a camera's frames have come and none was inferred, whatever the cause. A camera that sends few frames has no
 * gap between them: time counts from the first packet after the last inference.
 */
export class AnalysisGap {
  readonly #now: () => number;
  #since: number | undefined;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A packet of the camera has arrived. */
  arrive(): void {
    this.#since ??= this.#now();
  }

  /** A frame was inferred. */
  infer(): void {
    this.#since = undefined;
  }

  /** Nothing comes any more. */
  end(): void {
    this.#since = undefined;
  }

  /** Whole seconds for which an inference has been missing, where one is due every so many seconds. */
  missingSeconds(due: number): number {
    if (this.#since === undefined) return 0;
    return Math.floor(Math.max(0, (this.#now() - this.#since) / 1000 - due));
  }
}
