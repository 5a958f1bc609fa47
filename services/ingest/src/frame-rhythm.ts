/** A camera is silent when it sends nothing for so many of its own intervals. */
const intervals = 3;
/** The same, of the least limit, for a camera whose intervals are not known yet. */
const unknownIntervals = 6;
/** However slow a camera is, a longer silence is a stall. */
const longestMs = 300_000;
/** For so long an interval, or a stall, counts. */
const memoryMs = 600_000;
/** Doublings for stalls of a camera whose intervals are known: a shorter wait brings one back that must be connected anew. */
const mostDoublings = 3;

/**
 * How long a camera may send nothing before it counts as stalled. One that sends a frame every 20 s is waited for, and one
 * that sends 25 a second is not waited for much longer than that takes: the limit is learnt from the camera's intervals. Each
 * stall doubles it, so that intervals longer than the limit are met too.
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

  /** The camera is reconnected: the time since its last frame says nothing of its intervals. */
  connect(): void {
    this.#arrivedAt = undefined;
  }

  /** A frame has arrived, now or a while ago. */
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

  /** Milliseconds of silence from which on the camera is stalled. */
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
