interface Piece {
  offset: number;
  bytes: number;
}

/** Where there is room in a file of a bounded size: the first that is large enough, so that what is used stays small. */
export class Space {
  /** In order, no two adjacent. */
  readonly #free: Piece[] = [{ offset: 0, bytes: Number.MAX_SAFE_INTEGER }];
  #used = 0;

  /** Bytes taken. */
  get used(): number {
    return this.#used;
  }

  /** The offset of `bytes` free bytes that end at `bound` or before; undefined when there are none. */
  take(bytes: number, bound: number): number | undefined {
    const index = this.#free.findIndex((piece) => piece.bytes >= bytes);
    const piece = this.#free[index];
    if (!piece || piece.offset + bytes > bound) return undefined;
    const { offset } = piece;
    piece.offset += bytes;
    piece.bytes -= bytes;
    if (piece.bytes === 0) this.#free.splice(index, 1);
    this.#used += bytes;
    return offset;
  }

  /** Gives back what take() gave. */
  give(offset: number, bytes: number): void {
    this.#used -= bytes;
    const next = this.#free.findIndex((piece) => piece.offset > offset);
    const after = this.#free[next];
    const before = this.#free[next - 1];
    if (before && before.offset + before.bytes === offset) {
      before.bytes += bytes;
      if (after && before.offset + before.bytes === after.offset) {
        before.bytes += after.bytes;
        this.#free.splice(next, 1);
      }
    } else if (after && offset + bytes === after.offset) {
      after.offset = offset;
      after.bytes += bytes;
    } else this.#free.splice(next, 0, { offset, bytes });
  }
}
