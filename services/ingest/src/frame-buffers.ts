/** Most unused buffers kept; a camera needs one being filled, one waiting, and some at workers. */
const mostKept = 3;

/** Buffers of one size, used again where that is safe: the system need not clear fresh memory for each frame. */
export class FrameBuffers {
  readonly #bytes: number;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** A buffer with arbitrary content. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes);
  }

  /** Gives a buffer back that nothing reads any more. Buffers of another size are let go. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    if (buffer.byteLength === this.#bytes && this.#free.length < mostKept) this.#free.push(buffer);
  }
}
