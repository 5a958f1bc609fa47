/** Most unused buffers that are kept; a camera needs one being filled, one waiting, and some at workers. */
const mostKept = 3;

/** Buffers of one size, reused where that is safe, so that the system does not have to clear new memory for each frame. */
export class FrameBuffers {
  readonly #bytes: number;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  /** How many readers a buffer has beyond the first. Weak: a buffer that is never given back is garbage-collected. */
  readonly #shares = new WeakMap<Uint8Array, number>();

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** A buffer with arbitrary content. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes);
  }

  /** This buffer gets one more reader, who gives it back when done. */
  share(buffer: Uint8Array<ArrayBuffer>): void {
    this.#shares.set(buffer, (this.#shares.get(buffer) ?? 0) + 1);
  }

  /** Gives a buffer back; it is free when all its readers have done so. Buffers of another size are released. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    const shares = this.#shares.get(buffer) ?? 0;
    if (shares > 0) this.#shares.set(buffer, shares - 1);
    else if (buffer.byteLength === this.#bytes && this.#free.length < mostKept) this.#free.push(buffer);
  }
}

/** Fills frame buffers with pixels as they come, after a header area that stays free. */
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

  /** This many bytes have been put there. Returns whether the buffer was full and was passed on. */
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
