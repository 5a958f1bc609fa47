/** One connected group, solved with its smaller side as the rows. Index 0 of the working arrays is "none". */
export class AssignmentGroup {
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  rowCount = 0;
  columnCount = 0;
  /** For each member of the larger side, from 1: its partner in the smaller, from 1, or 0. */
  readonly fewOfMany: Int32Array;

  readonly #fewPotential: Float64Array;
  readonly #manyPotential: Float64Array;
  readonly #distance: Float64Array;
  readonly #previous: Int32Array;
  readonly #done: Uint8Array;

  constructor(size: number) {
    this.rows = new Int32Array(size);
    this.columns = new Int32Array(size);
    this.fewOfMany = new Int32Array(size + 1);
    this.#fewPotential = new Float64Array(size + 1);
    this.#manyPotential = new Float64Array(size + 1);
    this.#distance = new Float64Array(size + 1);
    this.#previous = new Int32Array(size + 1);
    this.#done = new Uint8Array(size + 1);
  }

  /** Minimises the sum of −max(weight, 0); `fewStride` and `manyStride` find a pair's weight. */
  solve(
    few: Int32Array,
    fewCount: number,
    many: Int32Array,
    manyCount: number,
    weights: Float64Array,
    fewStride: number,
    manyStride: number,
  ): void {
    this.fewOfMany.fill(0, 0, manyCount + 1);
    this.#fewPotential.fill(0, 0, fewCount + 1);
    this.#manyPotential.fill(0, 0, manyCount + 1);
    for (let start = 1; start <= fewCount; start++) {
      this.fewOfMany[0] = start;
      this.#distance.fill(Infinity, 0, manyCount + 1);
      this.#done.fill(0, 0, manyCount + 1);
      let reached = 0;
      do {
        reached = this.#extend(reached, few, many, manyCount, weights, fewStride, manyStride);
      } while (this.fewOfMany[reached] !== 0);
      while (reached !== 0) {
        const before = this.#previous[reached]!;
        this.fewOfMany[reached] = this.fewOfMany[before]!;
        reached = before;
      }
    }
  }

  /** Settles `reached`, relaxes from its partner, and returns the nearest unsettled member. */
  #extend(
    reached: number,
    few: Int32Array,
    many: Int32Array,
    manyCount: number,
    weights: Float64Array,
    fewStride: number,
    manyStride: number,
  ): number {
    const distance = this.#distance;
    const done = this.#done;
    const manyPotential = this.#manyPotential;
    done[reached] = 1;
    const partner = this.fewOfMany[reached]!;
    const offset = few[partner - 1]! * fewStride;
    const potential = this.#fewPotential[partner]!;
    let nearest = 0;
    let least = Infinity;
    for (let j = 1; j <= manyCount; j++) {
      if (done[j] === 1) continue;
      const weight = weights[offset + many[j - 1]! * manyStride]!;
      const reduced = (weight > 0 ? -weight : 0) - potential - manyPotential[j]!;
      if (reduced < distance[j]!) {
        distance[j] = reduced;
        this.#previous[j] = reached;
      }
      if (distance[j]! < least) {
        least = distance[j]!;
        nearest = j;
      }
    }
    for (let j = 0; j <= manyCount; j++) {
      if (done[j] === 1) {
        this.#fewPotential[this.fewOfMany[j]!]! += least;
        manyPotential[j]! -= least;
      } else {
        distance[j]! -= least;
      }
    }
    return nearest;
  }
}
