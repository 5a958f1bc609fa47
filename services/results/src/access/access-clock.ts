/**
 * The time by which logins and tokens expire, in milliseconds. It never goes back while the process runs: a clock that is
 * set back gives nobody more time, and what has expired stays so.
 */
export class AccessClock {
  readonly #wall: () => number;
  readonly #monotonic: () => number;
  readonly #start: number;

  constructor(wall: () => number = Date.now, monotonic: () => number = () => performance.now()) {
    this.#wall = wall;
    this.#monotonic = monotonic;
    this.#start = wall() - monotonic();
  }

  now(): number {
    return Math.max(this.#wall(), this.#start + this.#monotonic());
  }
}
