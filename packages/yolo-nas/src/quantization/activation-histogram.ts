const BINS = 4096;

/**
 * The distribution of a tensor's values over the calibration frames, in bounded memory: two histograms of magnitudes (negative and not)
 * over one bin width. When a value does not fit, the width doubles and neighbouring bins merge, so the counts stay exact however the
 * range grows, and no frame needs to be seen twice.
 */
export class ActivationHistogram {
  readonly positive = new Float64Array(BINS);
  readonly negative = new Float64Array(BINS);
  min = 0;
  max = 0;
  count = 0;
  /** Width of a bin; 0 until the first value that is not zero. */
  width = 0;

  /** Add every value of one activation. Values that are not finite are left out. */
  observe(values: Float32Array): void {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value < low && value !== Number.NEGATIVE_INFINITY) low = value;
      if (value > high && value !== Number.POSITIVE_INFINITY) high = value;
    }
    if (low > high) return;
    this.min = Math.min(this.count === 0 ? low : this.min, low);
    this.max = Math.max(this.count === 0 ? high : this.max, high);
    this.fit(Math.max(high, -low));
    if (this.width === 0) {
      this.positive[0]! += values.length;
      this.count += values.length;
      return;
    }
    const scale = 1 / this.width;
    const { positive, negative } = this;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value >= 0) positive[Math.min(BINS - 1, (value * scale) | 0)]! += 1;
      else if (value < 0) negative[Math.min(BINS - 1, (-value * scale) | 0)]! += 1;
    }
    this.count += values.length;
  }

  /** Counts of magnitudes, signs joined. */
  magnitudes(): Float64Array {
    return this.positive.map((count, i) => count + this.negative[i]!);
  }

  private fit(magnitude: number): void {
    if (magnitude <= 0 || !Number.isFinite(magnitude)) return;
    // Head room for four times the first frame's largest value, so that most tensors never merge.
    if (this.width === 0) this.width = (magnitude * 4) / BINS;
    while (magnitude >= this.width * BINS) {
      this.width *= 2;
      merge(this.positive);
      merge(this.negative);
    }
  }
}

function merge(bins: Float64Array): void {
  for (let i = 0; i < BINS / 2; i++) bins[i] = bins[2 * i]! + bins[2 * i + 1]!;
  bins.fill(0, BINS / 2);
}
