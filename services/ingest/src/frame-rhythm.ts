/** A camera is silent when it sends nothing for this many of its own intervals. */
const intervals = 3;
/** The same for a camera whose intervals are not known yet, as a multiple of the least limit. */
const unknownIntervals = 6;
/** However slow a camera is, a silence longer than this is a stall. */
const longestMs = 300_000;
/** An interval or a stall counts for this long. */
const memoryMs = 600_000;
/**
 * Most doublings for stalls of a camera whose intervals are known: a camera that must be reconnected comes back sooner with
 * a shorter wait.
 */
const mostDoublings = 3;

/**
 * How long a camera may send nothing before it counts as stalled. The limit is learnt from the camera's intervals: a camera
 * that sends a frame every 20 s is waited for, and one that sends 25 per second is not waited for much longer than that
 * needs. Each stall doubles the limit, so that intervals longer than the limit are found too.
 */
export class FrameRhythm {
  readonly #leastMs: number;
  readonly #now: () => number;
  /** Intervals that raise the limit, oldest first. */
  #long: { ms: number; at: number }[] = [];
  #stalls: number[] = [];
  #known = false;
  #arrivedAt: number | undefined;

  /** `leastMs`: the limit of a camera that sends frames quickly. `now` is a monotonic clock in milliseconds. */
  constructor(leastMs: number, now: () => number = () => performance.now()) {
    this.#leastMs = leastMs;
    this.#now = now;
  }

  /** The camera is reconnected: the time since its last frame does not count as an interval. */
  connect(): void {
    this.#arrivedAt = undefined;
  }

  /** A frame has arrived, now or earlier at `at`. */
  arrive(at = this.#now()): void {
    if (this.#arrivedAt !== undefined) {
      this.#known = true;
      const ms = at - this.#arrivedAt;
      if (ms * intervals > this.#leastMs) this.#long.push({ ms, at });
    }
    this.#arrivedAt = at;
  }

  /** The camera was silent for longer than the limit. */
  stall(): void {
    this.#stalls.push(this.#now());
  }

  /** Milliseconds of silence after which the camera counts as stalled. */
  get limitMs(): number {
    const oldest = this.#now() - memoryMs;
    this.#long = this.#long.filter(({ at }) => at > oldest);
    this.#stalls = this.#stalls.filter((at) => at > oldest);
    const longest = this.#long.reduce((most, { ms }) => Math.max(most, ms), 0);
    const stalls = this.#stalls.length;
    const limit = this.#known
      ? Math.max(longest * intervals, this.#leastMs * 2 ** Math.min(stalls, mostDoublings))
      : this.#leastMs * unknownIntervals * 2 ** stalls;
    return Math.max(this.#leastMs, Math.min(longestMs, limit));
  }
}
