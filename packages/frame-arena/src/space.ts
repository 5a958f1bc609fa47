interface Piece {
  offset: number;
  bytes: number;
}

/** Finds free space in a file of limited size: the first gap that is large enough, so that the used part stays small. */
export class Space {
  /** In order; no two are adjacent. */
  readonly #free: Piece[] = [{ offset: 0, bytes: Number.MAX_SAFE_INTEGER }];
  #used = 0;

  /** Bytes in use. */
  get used(): number {
    return this.#used;
  }

  /** Offset of `bytes` free bytes that end at or before `bound`; undefined when there are none. */
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

  /** Frees a piece that take() returned. */
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
