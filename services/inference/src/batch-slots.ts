/** Memory of one batch, shared with the session's thread. */
export interface BatchSlot {
  readonly index: number;
  readonly memory: SharedArrayBuffer;
}

/** A closed batch: the slot that holds the pixels, and the items they belong to, in the same order. */
export interface Batch<T> {
  readonly slot: number;
  readonly items: readonly T[];
  /** Resolves when all its pixels are in place; undefined when they already are. */
  readonly filled: Promise<void> | undefined;
}

/** Puts a frame's pixels into their place, at once or later, and calls `done` when they are there. */
export type Fill = (place: Uint8Array, done: () => void) => void;

interface Assembling<T> {
  slot: number;
  items: T[];
  /** Places whose pixels have not arrived yet. */
  filling: number;
  onFilled: (() => void) | undefined;
}

/**
 * Memory for the batches in progress: one that runs, one that waits behind it, and one that is being assembled. A frame is
 * copied once, from its NATS message or from shared memory into its place in a slot, where the session reads it. Only this
 * class knows which frame is in which place, so that boxes cannot reach the wrong camera.
 */
export class BatchSlots<T> {
  readonly slots: readonly BatchSlot[];
  readonly #capacity: number;
  #frameBytes: number;
  readonly #free: number[];
  #assembling: Assembling<T> | undefined;

  /** `count` slots, each for `capacity` frames of up to `frameBytes` bytes. */
  constructor(count: number, capacity: number, frameBytes: number) {
    this.slots = Array.from({ length: count }, (_, index) => ({
      index,
      // With a maximum, the memory begins at a page boundary. Otherwise the system's copy into it takes up to four times as
      // long (on AMD).
      memory: new SharedArrayBuffer(capacity * frameBytes, { maxByteLength: capacity * frameBytes }),
    }));
    this.#capacity = capacity;
    this.#frameBytes = frameBytes;
    this.#free = this.slots.map(({ index }) => index);
  }

  /** Sets the size of a frame in bytes, once it is known and before the first frame is added. */
  set frameBytes(bytes: number) {
    this.#frameBytes = bytes;
  }

  /** Slots that hold frames. */
  get busy(): number {
    return this.slots.length - this.#free.length;
  }

  /**
   * Gives a frame of `bytes` bytes the next place in the batch that is being assembled, and starts to fill it. take()
   * returns `item`.
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

  /** The pixels of the frame at a place of a taken slot. */
  pixels(slot: number, place: number): Uint8Array {
    return new Uint8Array(this.slots[slot]!.memory, place * this.#frameBytes, this.#frameBytes);
  }

  release(slot: number): void {
    this.#free.push(slot);
  }
}
