/** Most unused buffers kept; a camera needs one being filled, one waiting, and some at workers. */
const mostKept = 3;

/** Buffers of one size, used again where that is safe: the system need not clear fresh memory for each frame. */
export class FrameBuffers {
  readonly #bytes: number;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  /** How many more than one read a buffer. Weak: a buffer that is never given back goes to the collector. */
  readonly #shares = new WeakMap<Uint8Array, number>();

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** A buffer with arbitrary content. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes);
  }

  /** One more reads this buffer, and gives it back when done. */
  share(buffer: Uint8Array<ArrayBuffer>): void {
    this.#shares.set(buffer, (this.#shares.get(buffer) ?? 0) + 1);
  }

  /** Gives a buffer back; it is free when all who read it have. Buffers of another size are let go. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    const shares = this.#shares.get(buffer) ?? 0;
    if (shares > 0) this.#shares.set(buffer, shares - 1);
    else if (buffer.byteLength === this.#bytes && this.#free.length < mostKept) this.#free.push(buffer);
  }
}

/** Fills frame buffers with pixels as they come, behind a head that stays free. */
export class PixelReader {
  readonly #buffers: FrameBuffers;
  readonly #headBytes: number;
  readonly #frame: (buffer: Uint8Array<ArrayBuffer>) => void;
  #buffer: Uint8Array<ArrayBuffer>;
  #offset: number;

  /** `frame` gets each buffer when it is full. */
  constructor(buffers: FrameBuffers, headBytes: number, frame: (buffer: Uint8Array<ArrayBuffer>) => void) {
    this.#buffers = buffers;
    this.#headBytes = headBytes;
    this.#frame = frame;
    this.#buffer = buffers.take();
    this.#offset = headBytes;
  }

  /** Where the next bytes go. */
  target(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#offset);
  }

  /** So many bytes have been put there. Returns whether the buffer was full, and given away. */
  received(bytes: number): boolean {
    this.#offset += bytes;
    if (this.#offset < this.#buffer.byteLength) return false;
    const full = this.#buffer;
    this.#buffer = this.#buffers.take();
    this.#offset = this.#headBytes;
    this.#frame(full);
    return true;
  }
}
