/** Reads the fields of an H.264 or H.265 parameter set bit by bit. */
export class BitReader {
  readonly #data: Uint8Array;
  #position = 0;

  /** `unit`: a NAL unit's bytes after its header, as they are in the stream. */
  constructor(unit: Uint8Array) {
    // Emulation prevention (ISO/IEC 14496-10, 7.4.1).
    this.#data = unit.filter((byte, i) => !(byte === 3 && unit[i - 1] === 0 && unit[i - 2] === 0));
  }

  /** Whether more was read than the data contains; the extra bits were zero. */
  get exhausted(): boolean {
    return this.#position > this.#data.length * 8;
  }

  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const byte = this.#data[this.#position >> 3] ?? 0;
      value = value * 2 + ((byte >> (7 - (this.#position & 7))) & 1);
      this.#position += 1;
    }
    return value;
  }

  skip(count: number): void {
    this.#position += count;
  }

  /** Exp-Golomb code, ue(v). */
  unsigned(): number {
    let zeros = 0;
    while (this.bits(1) === 0 && zeros < 32) zeros += 1;
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** se(v). */
  signed(): number {
    const code = this.unsigned();
    return code % 2 === 0 ? -code / 2 : (code + 1) / 2;
  }
}
