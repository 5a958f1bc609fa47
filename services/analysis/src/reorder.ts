/** What ordering needs to know about a frame. */
export interface Sequenced {
  /** The camera's id and epoch together: within these, numbers increase. */
  stream: string;
  /** From 1. */
  number: number;
  /** Number of the frame that was handed to a worker before this one; 0 for the first. */
  previousNumber: number;
}

/** A frame whose turn has come; `late` when a frame with a higher number was delivered before it. */
export interface Ordered<T> {
  item: T;
  late: boolean;
  /** Numbers before this frame that never came, though the last of them was handed to a worker. */
  missing: number;
}

export interface ReorderOptions {
  /** Longest time that a frame is held for the one before it, in milliseconds. */
  windowMs: number;
  /** Most frames held for one stream; above this, the one with the lowest number is delivered. */
  maxHeld?: number;
  /** Most streams remembered; above this, the one that has been silent longest is forgotten. */
  maxStreams?: number;
  /** Monotonic milliseconds. */
  now?: () => number;
}

interface Stream<T> {
  /** Highest number delivered. */
  delivered: number;
  /** By number, ascending. */
  held: { item: T; deadline: number }[];
}

/**
 * Restores the order in which frames of a camera were handed to workers. Each frame names the one before it, so a frame in
 * order is never held. Only a frame that overtook another is held, until that one comes or the window has passed.
 */
export class ReorderBuffer<T extends Sequenced> {
  readonly #windowMs: number;
  readonly #maxHeld: number;
  readonly #maxStreams: number;
  readonly #now: () => number;
  /** Least recently active first. */
  readonly #streams = new Map<string, Stream<T>>();
  readonly #holding = new Set<Stream<T>>();

  constructor(options: ReorderOptions) {
    this.#windowMs = options.windowMs;
    this.#maxHeld = options.maxHeld ?? 64;
    this.#maxStreams = options.maxStreams ?? 4096;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Frames up to this number have been delivered by another buffer. */
  resume(stream: string, delivered: number): void {
    this.#touch(stream, []).delivered = delivered;
  }

  /** Takes a frame and returns the frames whose turn has come, in order. */
  push(item: T): Ordered<T>[] {
    const out: Ordered<T>[] = [];
    const stream = this.#touch(item.stream, out);
    if (item.previousNumber <= stream.delivered) {
      deliver(stream, item, out);
      this.#cascade(stream, out);
    } else {
      const at = stream.held.findLastIndex((held) => held.item.number < item.number) + 1;
      stream.held.splice(at, 0, { item, deadline: this.#now() + this.#windowMs });
      this.#holding.add(stream);
      if (stream.held.length > this.#maxHeld) this.#release(stream, 1, out);
    }
    return out;
  }

  /** Returns the frames that have been held for the whole window, and those that waited for them. */
  expire(): Ordered<T>[] {
    const now = this.#now();
    const out: Ordered<T>[] = [];
    for (const stream of this.#holding)
      this.#release(stream, stream.held.findLastIndex((held) => held.deadline <= now) + 1, out);
    return out;
  }

  /** When `expire` will have something to return, on the clock of `now`; undefined when nothing is held. */
  nextDeadline(): number | undefined {
    let first: number | undefined;
    for (const stream of this.#holding)
      for (const { deadline } of stream.held) if (first === undefined || deadline < first) first = deadline;
    return first;
  }

  /** Frames held now. */
  get heldCount(): number {
    let count = 0;
    for (const stream of this.#holding) count += stream.held.length;
    return count;
  }

  #touch(key: string, out: Ordered<T>[]): Stream<T> {
    const known = this.#streams.get(key);
    const stream = known ?? { delivered: 0, held: [] };
    this.#streams.delete(key);
    this.#streams.set(key, stream);
    if (this.#streams.size > this.#maxStreams) {
      const [oldestKey, oldest] = this.#streams.entries().next().value!;
      this.#release(oldest, oldest.held.length, out);
      this.#streams.delete(oldestKey);
    }
    return stream;
  }

  /** Delivers the first `count` held frames, and those that waited for them. */
  #release(stream: Stream<T>, count: number, out: Ordered<T>[]): void {
    for (const { item } of stream.held.splice(0, count)) deliver(stream, item, out);
    this.#cascade(stream, out);
  }

  #cascade(stream: Stream<T>, out: Ordered<T>[]): void {
    while (stream.held[0] && stream.held[0].item.previousNumber <= stream.delivered)
      deliver(stream, stream.held.shift()!.item, out);
    if (stream.held.length === 0) this.#holding.delete(stream);
  }
}

function deliver<T extends Sequenced>(stream: Stream<T>, item: T, out: Ordered<T>[]): void {
  const missing = Math.max(0, item.previousNumber - stream.delivered);
  out.push({ item, late: item.number <= stream.delivered, missing });
  stream.delivered = Math.max(stream.delivered, item.number);
}
