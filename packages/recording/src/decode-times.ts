/**
 * Decoding times for pictures that come in the order in which they are decoded and say only when they are shown: the times at
 * which they are shown, in order, as much earlier as the picture that is shown latest after its turn makes necessary.
 */
export class DecodeTimes {
  #delay = 0;
  #last = Number.NEGATIVE_INFINITY;

  /** The times of one fragment's pictures, later than all before. `pts` in the order of decoding. */
  of(pts: readonly number[]): number[] {
    const shown = [...pts].sort((a, b) => a - b);
    // Within a file only what has been seen already counts: its decoding times must not go back.
    for (const [i, time] of pts.entries()) this.#delay = Math.max(this.#delay, shown[i]! - time);
    return shown.map((time) => {
      this.#last = Math.max(time - this.#delay, this.#last + 1);
      return this.#last;
    });
  }

  /** How much earlier than shown pictures are decoded. */
  get delay(): number {
    return this.#delay;
  }

  /** What comes has no times in common with what was. */
  restart(): void {
    this.#last = Number.NEGATIVE_INFINITY;
  }
}
