import type { Observation } from "./box.ts";

/** The boxes of some observations, side by side: comparing each with many tracks then reads memory in order. Its buffers grow to the most boxes seen. */
export class FlatBoxes {
  xMin = new Float64Array(64);
  yMin = new Float64Array(64);
  xMax = new Float64Array(64);
  yMax = new Float64Array(64);

  /** @param chosen indices into `observations`: box `i` is that of the observation `chosen[i]` */
  fill(observations: readonly Observation[], chosen: readonly number[]): void {
    if (chosen.length > this.xMin.length) this.#grow(2 ** Math.ceil(Math.log2(chosen.length)));
    for (let index = 0; index < chosen.length; index++) {
      const { xMin, yMin, xMax, yMax } = observations[chosen[index]!]!.box;
      this.xMin[index] = xMin;
      this.yMin[index] = yMin;
      this.xMax[index] = xMax;
      this.yMax[index] = yMax;
    }
  }

  #grow(size: number): void {
    this.xMin = new Float64Array(size);
    this.yMin = new Float64Array(size);
    this.xMax = new Float64Array(size);
    this.yMax = new Float64Array(size);
  }
}
