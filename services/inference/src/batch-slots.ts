/** Memory of one batch, shared with the session's thread. */
export interface BatchSlot {
  readonly index: number;
  readonly memory: SharedArrayBuffer;
}

/** A closed batch: the slot that holds the pixels, and whose they are, in the order in which they lie there. */
export interface Batch<T> {
  readonly slot: number;
  readonly items: readonly T[];
  /** Resolves when all its pixels are in place; undefined when they are. */
  readonly filled: Promise<void> | undefined;
}

/** Puts a frame's pixels into its place, at once or later, and says when that is done. */
export type Fill = (place: Uint8Array, done: () => void) => void;

interface Assembling<T> {
  slot: number;
  items: T[];
  /** Places whose pixels are still on their way. */
  filling: number;
  onFilled: (() => void) | undefined;
}

/**
 * Memory for the batches under way: one that runs, one that waits behind it, and one that is being assembled. A frame
 * is copied once, from its NATS message or from shared memory into its place in a slot, from where the session reads it.
 * Whose frame lies at which place is known here and nowhere else, so that boxes cannot come to another camera.
 */
export class BatchSlots<T> {
  readonly slots: readonly BatchSlot[];
  readonly #capacity: number;
  #frameBytes: number;
  readonly #free: number[];
  #assembling: Assembling<T> | undefined;

  /** `capacity` frames of `frameBytes`, or of less, in each of `count` slots. */
  constructor(count: number, capacity: number, frameBytes: number) {
    this.slots = Array.from({ length: count }, (_, index) => ({
      index,
      // With a maximum it begins at a page. Elsewhere the system's copy into it takes up to four times as long (on AMD).
      memory: new SharedArrayBuffer(capacity * frameBytes, { maxByteLength: capacity * frameBytes }),
    }));
    this.#capacity = capacity;
    this.#frameBytes = frameBytes;
    this.#free = this.slots.map(({ index }) => index);
  }

  /** How large a frame is, once that is known; before the first is added. */
  set frameBytes(bytes: number) {
    this.#frameBytes = bytes;
  }

  /** Slots that hold frames. */
  get busy(): number {
    return this.slots.length - this.#free.length;
  }

  /**
   * Gives a frame of `bytes` bytes the place behind those already in the batch that is being assembled, and has it filled.
   * `item` is given back by take().
   * @throws RangeError when the frame has another size, or there is no room for it
   */
  add(item: T, bytes: number, fill: Fill): void {
    if (bytes !== this.#frameBytes)
      throw new RangeError(`the frame has ${bytes} bytes but should have ${this.#frameBytes}`);
    const slot = this.#assembling?.slot ?? this.#free[0];
    if (slot === undefined) throw new RangeError("no batch slot is free");
    const { memory } = this.slots[slot]!;
    const place = this.#assembling?.items.length ?? 0;
    if (place >= this.#capacity) throw new RangeError("the batch is full");
    const offset = place * this.#frameBytes;
    this.#assembling ??= { slot: this.#free.shift()!, items: [], filling: 0, onFilled: undefined };
    const batch = this.#assembling;
    batch.items.push(item);
    batch.filling++;
    fill(new Uint8Array(memory, offset, this.#frameBytes), () => {
      if (--batch.filling === 0) batch.onFilled?.();
    });
  }

  /**
   * Closes the batch that is being assembled; its slot stays taken until released.
   * @throws RangeError when it holds no frame
   */
  take(): Batch<T> {
    const batch = this.#assembling;
    if (!batch) throw new RangeError("the batch holds no frame");
    this.#assembling = undefined;
    const { slot, items } = batch;
    const filled =
      batch.filling === 0
        ? undefined
        : new Promise<void>((resolve) => {
            batch.onFilled = resolve;
          });
    return { slot, items, filled };
  }

  /** The pixels of the frame at a place of a slot that is taken. */
  pixels(slot: number, place: number): Uint8Array {
    return new Uint8Array(this.slots[slot]!.memory, place * this.#frameBytes, this.#frameBytes);
  }

  release(slot: number): void {
    this.#free.push(slot);
  }
}
