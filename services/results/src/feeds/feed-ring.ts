import type { FeedEntry } from "./feed-format.ts";

/** Limits of a ring. */
export interface RingLimits {
  maxMessages: number;
  maxBytes: number;
}

/** The newest messages of a stream, by rising sequence. The oldest are dropped when the messages are too many or too large. */
export class FeedRing<T> {
  readonly #limits: RingLimits;
  #entries: (FeedEntry<T> | undefined)[] = [];
  /** Index of the oldest; those before it have been dropped. */
  #start = 0;
  #bytes = 0;
  #floor = 0;

  constructor(limits: RingLimits) {
    this.#limits = limits;
  }

  /** Every message of the stream after this sequence, up to the newest, is here. */
  get floor(): number {
    return this.#floor;
  }

  get size(): number {
    return this.#entries.length - this.#start;
  }

  /** Drops everything; the next message is the first after `position`. */
  clear(position: number): void {
    this.#entries = [];
    this.#start = 0;
    this.#bytes = 0;
    this.#floor = position;
  }

  push(entry: FeedEntry<T>): void {
    this.#entries.push(entry);
    this.charge(entry.bytes);
  }

  /** An entry has grown by this many bytes. */
  charge(bytes: number): void {
    this.#bytes += bytes;
    const { maxMessages, maxBytes } = this.#limits;
    while (this.size > maxMessages || (this.#bytes > maxBytes && this.size > 0)) this.#dropOldest();
  }

  /** The message with this sequence; undefined when it is not here. */
  at(sequence: number): FeedEntry<T> | undefined {
    const entry = this.after(sequence - 1);
    return entry?.sequence === sequence ? entry : undefined;
  }

  /** The first message after `position`; undefined when there is none yet. */
  after(position: number): FeedEntry<T> | undefined {
    // Sequences have no gaps unless messages were removed from the stream, so the first guess is nearly always right.
    if (position === this.#floor) return this.#entries[this.#start];
    const guess = this.#start + (position - this.#floor);
    if (this.#entries[guess - 1]?.sequence === position) return this.#entries[guess];
    let low = this.#start;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle]!.sequence > position) high = middle;
      else low = middle + 1;
    }
    return this.#entries[low];
  }

  #dropOldest(): void {
    const oldest = this.#entries[this.#start]!;
    this.#floor = oldest.sequence;
    this.#bytes -= oldest.bytes;
    this.#entries[this.#start++] = undefined;
    // Moves the rest to the front once as many have been dropped, so that each is moved once on average.
    if (this.#start > 64 && this.#start * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
  }
}
