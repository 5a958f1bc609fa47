/**
 * The time at which messages of a stream were stored, as it goes on between them: never before the newest message read,
 * and else with the process's own clock. So a wait that is over in the stream's time need not be waited out again by one
 * who reads the stream later and faster.
 */
export class StreamClock {
  readonly #clock: () => number;
  #offsetMs = 0;

  /** `clock`: monotonic milliseconds. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** A message that was stored at `timeMs` has been read. */
  reach(timeMs: number): void {
    this.#offsetMs = Math.max(this.#offsetMs, timeMs - this.#clock());
  }

  /** Milliseconds, monotonic. */
  readonly now = (): number => this.#clock() + this.#offsetMs;
}
