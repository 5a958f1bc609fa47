/** Memory of one batch, shared with the session's thread. */
export interface BatchSlot {
  readonly index: number;
  readonly memory: SharedArrayBuffer;
}

/** A closed batch: the slot that holds the pixels, and whose they are, in the order in which they lie there. */
export interface Batch<T> {
  readonly slot: number;
  readonly items: readonly T[];
}

/**
 * Memory for the batches under way: one that runs, one that waits behind it, and one that is being assembled. A frame
 * is copied once, from its NATS message into its place in a slot, from where the session reads it. Whose frame lies at
 * which place is known here and nowhere else, so that boxes cannot come to another camera.
 */
export class BatchSlots<T> {
  readonly slots: readonly BatchSlot[];
  readonly #frameBytes: number;
  readonly #free: number[];
  #assembling: { slot: number; items: T[] } | undefined;

  /** `capacity` frames of `frameBytes` in each of `count` slots. */
  constructor(count: number, capacity: number, frameBytes: number) {
    this.slots = Array.from({ length: count }, (_, index) => ({
      index,
      memory: new SharedArrayBuffer(capacity * frameBytes),
    }));
    this.#frameBytes = frameBytes;
    this.#free = this.slots.map(({ index }) => index);
  }

  /** Slots that hold frames. */
  get busy(): number {
    return this.slots.length - this.#free.length;
  }

  /**
   * Copies a frame behind those already in the batch that is being assembled. `item` is given back by take().
   * @throws RangeError when the frame has another size, or there is no room for it
   */
  add(item: T, pixels: Uint8Array): void {
    if (pixels.byteLength !== this.#frameBytes)
      throw new RangeError(`the frame has ${pixels.byteLength} bytes; ${this.#frameBytes} are expected`);
    const slot = this.#assembling?.slot ?? this.#free[0];
    if (slot === undefined) throw new RangeError("no batch slot is free");
    const { memory } = this.slots[slot]!;
    const offset = (this.#assembling?.items.length ?? 0) * this.#frameBytes;
    if (offset + this.#frameBytes > memory.byteLength) throw new RangeError("the batch is full");
    new Uint8Array(memory).set(pixels, offset);
    if (this.#assembling) this.#assembling.items.push(item);
    else this.#assembling = { slot: this.#free.shift()!, items: [item] };
  }

  /**
   * Closes the batch that is being assembled; its slot stays taken until released.
   * @throws RangeError when it holds no frame
   */
  take(): Batch<T> {
    const batch = this.#assembling;
    if (!batch) throw new RangeError("the batch holds no frame");
    this.#assembling = undefined;
    return batch;
  }

  release(slot: number): void {
    this.#free.push(slot);
  }
}
