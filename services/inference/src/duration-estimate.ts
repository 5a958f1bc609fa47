/**
 * Running mean and mean deviation of a duration, with more weight on recent values, as TCP does for its round trips (RFC
 * 6298).
 */
export class DurationEstimate {
  #mean: number;
  #deviation: number;
  #first = true;

  constructor(initial: number) {
    this.#mean = initial;
    this.#deviation = initial / 2;
  }

  get mean(): number {
    return this.#mean;
  }

  get deviation(): number {
    return this.#deviation;
  }

  /** A value that nearly all durations stay below. */
  get high(): number {
    return this.#mean + 4 * this.#deviation;
  }

  add(duration: number): void {
    if (this.#first) {
      this.#first = false;
      this.#mean = duration;
      this.#deviation = duration / 2;
      return;
    }
    this.#deviation += (Math.abs(duration - this.#mean) - this.#deviation) / 4;
    this.#mean += (duration - this.#mean) / 8;
  }
}
