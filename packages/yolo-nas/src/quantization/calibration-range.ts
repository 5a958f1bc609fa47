import { InvalidArgumentError } from "../errors.ts";
import type { ActivationHistogram } from "./activation-histogram.ts";

/** How a tensor's range is chosen from its histogram. */
export type CalibrationMethod =
  | { readonly kind: "max" }
  /** `percentile` in percent of all values, e.g. 99.99. */
  | { readonly kind: "percentile"; readonly percentile: number }
  | { readonly kind: "entropy" }
  | { readonly kind: "mse" };

/** The real numbers that a quantised tensor can stand for; `low <= 0 <= high`, and they differ. */
export type Range = { readonly low: number; readonly high: number };

/** Levels on one side of zero: the finer encoding's. TensorRT's symmetric int8 gets the same range with 127. */
const LEVELS = 255;

/**
 * A tensor's range. A tensor that was never negative gets `low` 0, and thus the zero-point 0 that ONNX Runtime needs to fold a ReLU.
 * Percentile, entropy and MSE are the methods of NVIDIA's pytorch-quantization on magnitudes, with the observed extremes as outer bounds.
 */
export function chooseRange(histogram: ActivationHistogram, method: CalibrationMethod): Range {
  if (histogram.width === 0) return { low: 0, high: 1 };
  const limit = threshold(histogram, method);
  const high = Math.max(0, Math.min(histogram.max, limit));
  const low = Math.min(0, Math.max(histogram.min, -limit));
  return high - low > 0 ? { low, high } : { low: 0, high: limit };
}

function threshold(histogram: ActivationHistogram, method: CalibrationMethod): number {
  switch (method.kind) {
    case "max":
      return Math.max(histogram.max, -histogram.min);
    case "percentile":
      return percentileThreshold(histogram, method.percentile);
    case "entropy":
      return entropyThreshold(histogram);
    case "mse":
      return mseThreshold(histogram);
  }
}

function percentileThreshold(histogram: ActivationHistogram, percentile: number): number {
  if (!(percentile > 50 && percentile <= 100)) {
    throw new InvalidArgumentError(`The percentile must be above 50 and at most 100, not ${percentile}.`);
  }
  const bins = histogram.magnitudes();
  const wanted = (sum(bins) * percentile) / 100;
  let seen = 0;
  for (let i = 0; i < bins.length; i++) {
    seen += bins[i]!;
    if (seen >= wanted) return (i + 1) * histogram.width;
  }
  return bins.length * histogram.width;
}

/**
 * The clipping that keeps the quantised distribution closest to the real one by Kullback-Leibler divergence
 * (S. Migacz, "8-bit inference with TensorRT", 2017). Bin 0 is left out, as pytorch-quantization does, since after a
 * ReLU it holds the exact zeros, which no clipping can hurt.
 */
function entropyThreshold(histogram: ActivationHistogram): number {
  const bins = histogram.magnitudes();
  bins[0] = bins[1]!;
  const used = lastUsed(bins) + 1;
  const levels = LEVELS + 1;
  let best = used;
  let bestDivergence = Number.POSITIVE_INFINITY;
  let tail = sum(bins.subarray(0, used));
  let inside = 0;
  for (let size = 1; size <= used; size++) {
    inside += bins[size - 1]!;
    if (size < levels || (size - levels) % 8 !== 0) continue;
    tail = sum(bins.subarray(size, used));
    const divergence = klDivergence(bins, size, tail, levels);
    if (divergence < bestDivergence) {
      bestDivergence = divergence;
      best = size;
    }
  }
  return inside > 0 ? best * histogram.width : histogram.max;
}

function klDivergence(bins: Float64Array, size: number, tail: number, levels: number): number {
  const expanded = new Float64Array(size);
  for (let level = 0; level < levels; level++) {
    const from = Math.floor((level * size) / levels);
    const to = Math.floor(((level + 1) * size) / levels);
    let total = 0;
    let filled = 0;
    for (let i = from; i < to; i++) {
      total += bins[i]!;
      if (bins[i]! > 0) filled += 1;
    }
    if (filled > 0) for (let i = from; i < to; i++) if (bins[i]! > 0) expanded[i] = total / filled;
  }
  const quantisedTotal = sum(expanded);
  const total = sum(bins.subarray(0, size)) + tail;
  let divergence = 0;
  for (let i = 0; i < size; i++) {
    const p = (bins[i]! + (i === size - 1 ? tail : 0)) / total;
    if (p === 0) continue;
    // An empty level under a clipped tail would be infinite; a small mass keeps the comparison finite.
    const q = Math.max(expanded[i]! / quantisedTotal, 1e-12);
    divergence += p * Math.log(p / q);
  }
  return divergence;
}

/** The clipping with the least squared error: rounding inside, distance to the limit outside. */
function mseThreshold(histogram: ActivationHistogram): number {
  const bins = histogram.magnitudes();
  const used = lastUsed(bins) + 1;
  let best = used;
  let bestError = Number.POSITIVE_INFINITY;
  for (let size = Math.max(8, Math.floor(used / 10)); size <= used; size += Math.max(1, used >> 8)) {
    const limit = size * histogram.width;
    const step = limit / LEVELS;
    let error = 0;
    for (let i = 0; i < used; i++) {
      const count = bins[i]!;
      if (count === 0) continue;
      const value = (i + 0.5) * histogram.width;
      // Inside a bin, values spread over many steps: the mean squared rounding error is step²/12.
      const miss = value > limit ? (value - limit) ** 2 : i === 0 ? 0 : step ** 2 / 12;
      error += count * miss;
    }
    if (error < bestError) {
      bestError = error;
      best = size;
    }
  }
  return best * histogram.width;
}

function lastUsed(bins: Float64Array): number {
  let last = bins.length - 1;
  while (last > 0 && bins[last] === 0) last -= 1;
  return last;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
