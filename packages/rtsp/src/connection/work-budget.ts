/** Milliseconds that a camera's packets may take of each second, and at once. */
const shareMsPerSecond = 200;
const mostAtOnceMs = 250;
/** What the system takes to bring a megabyte, before anyone looks at it: with it a camera sends 50 MB/s at most. */
const msPerByte = 4 / 1e6;

/** Bounds the time that taking one camera's bytes takes of a process that has others to serve. */
export class WorkBudget {
  readonly #now: () => number;
  #leftMs = mostAtOnceMs;
  #countedAt: number;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#countedAt = now();
  }

  /** Does `work` with so many bytes. Returns for how many milliseconds nothing more is to be done then; 0 when there is no need to wait. */
  spend(bytes: number, work: () => void): number {
    const began = this.#now();
    const earned = ((began - this.#countedAt) * shareMsPerSecond) / 1000;
    this.#leftMs = Math.min(mostAtOnceMs, this.#leftMs + earned);
    work();
    this.#countedAt = this.#now();
    this.#leftMs -= this.#countedAt - began + bytes * msPerByte;
    return this.#leftMs >= 0 ? 0 : (-this.#leftMs * 1000) / shareMsPerSecond;
  }
}
