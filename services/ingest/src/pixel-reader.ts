import type { FrameBuffers } from "./frame-buffers.ts";

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

  /** So many bytes have been put there. */
  received(bytes: number): void {
    this.#offset += bytes;
    if (this.#offset < this.#buffer.byteLength) return;
    const full = this.#buffer;
    this.#buffer = this.#buffers.take();
    this.#offset = this.#headBytes;
    this.#frame(full);
  }
}
