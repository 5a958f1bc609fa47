/** Memory of one batch, shared with the session's thread. */
export interface BatchSlot {
  readonly index: number;
  readonly memory: SharedArrayBuffer;
}

/**
 * Memory for the batches under way: one that runs, one that waits behind it, and one that is being assembled. A frame
 * is copied once, from its NATS message into its place in a slot, from where the session reads it.
 */
export class BatchSlots {
  readonly slots: readonly BatchSlot[];
  readonly #frameBytes: number;
  readonly #free: number[];
  #assembling: number | undefined;
  #frames = 0;

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

  /** Copies a frame behind those already in the batch that is being assembled. */
  add(pixels: Uint8Array): void {
    if (pixels.byteLength !== this.#frameBytes)
      throw new RangeError(`frame of ${pixels.byteLength} bytes where ${this.#frameBytes} are expected`);
    this.#assembling ??= this.#free.shift();
    if (this.#assembling === undefined) throw new RangeError("no free batch slot");
    new Uint8Array(this.slots[this.#assembling]!.memory).set(pixels, this.#frames * this.#frameBytes);
    this.#frames++;
  }

  /** Closes the batch that is being assembled; its slot stays taken until released. */
  take(): { slot: number; frames: number } {
    if (this.#assembling === undefined) throw new RangeError("the batch holds no frame");
    const taken = { slot: this.#assembling, frames: this.#frames };
    this.#assembling = undefined;
    this.#frames = 0;
    return taken;
  }

  release(slot: number): void {
    this.#free.push(slot);
  }
}
