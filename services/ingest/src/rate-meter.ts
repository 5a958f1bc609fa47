const windowMs = 5_000;

/** Events per second over the last five seconds. */
export class RateMeter {
  readonly #now: () => number;
  readonly #times: number[] = [];
  readonly #since: number;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  mark(): void {
    this.#times.push(this.#now());
    this.#forget();
  }

  get perSecond(): number {
    this.#forget();
    const span = Math.min(windowMs, this.#now() - this.#since);
    return span <= 0 ? 0 : (this.#times.length * 1000) / span;
  }

  #forget(): void {
    const oldest = this.#now() - windowMs;
    const keep = this.#times.findIndex((time) => time > oldest);
    this.#times.splice(0, keep < 0 ? this.#times.length : keep);
  }
}
