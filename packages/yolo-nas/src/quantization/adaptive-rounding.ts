/** Rounding of weights that compensates its own errors (E. Frantar et al., "GPTQ", 2023), with this project's limit for pairs. */
import { type InputMoments, inKernelOrder } from "./input-moments.ts";
import {
  kernelOrder,
  LARGEST_PAIR,
  type QuantizedWeights,
  quantizeWeights,
  roundHalfToEven,
  type WeightLimit,
  type WeightShape,
} from "./weight-quantization.ts";

/** Step sizes that are tried for each channel: finer ones clip its largest weights, which the others compensate. */
const STEPS = [1, 0.92, 0.84, 0.76, 0.68, 0.6];
/** Share of the mean moment that is added to each input's own moment, so that inputs which hardly vary do not get extreme weights. */
const DAMPING = 0.01;

/** Everything about the inputs that rounding needs, computed once for all encodings. */
export type RoundingGuide = readonly {
  readonly from: number;
  readonly width: number;
  /** Upper triangular U with Uᵀ U = (moments + damping)⁻¹, [width, width]. */
  readonly factor: Float64Array;
}[];

export function roundingGuide(moments: InputMoments): RoundingGuide {
  return moments.blocks.map(({ from, width, sums }) => ({
    from,
    width,
    factor: inverseFactor(sums, width),
  }));
}

/**
 * Quantise weights per channel, one input after the other: the weights not rounded yet compensate the change of the output, as far as
 * their inputs are correlated. Values stay within the limits of {@link quantizeWeights}.
 */
export function roundAdaptively(
  weights: Float32Array,
  shape: WeightShape,
  guide: RoundingGuide,
  limit: WeightLimit,
): QuantizedWeights {
  const size = weights.length / shape.channels;
  const order = kernelOrder(size, shape.taps);
  const ordered = inKernelOrder(weights, shape.channels, shape.taps);
  const scales = quantizeWeights(weights, shape, undefined, 1, limit).scales.slice();
  const values = new Int8Array(weights.length);
  const rest = new Float64Array(size);
  const tried = new Int8Array(size);
  for (let channel = 0; channel < shape.channels; channel++) {
    const step = scales[channel]!;
    let least = Number.POSITIVE_INFINITY;
    for (const part of STEPS) {
      const scale = Math.fround(step * part);
      rest.set(ordered.subarray(channel * size, (channel + 1) * size));
      const error = roundChannel(rest, tried, scale, guide, limit, least);
      // The error falls with finer steps until clipping costs more; after that nothing better follows.
      if (error >= least) break;
      least = error;
      scales[channel] = scale;
      for (let k = 0; k < size; k++) values[channel * size + order[k]!] = tried[k]!;
    }
  }
  return { values, scales };
}

/**
 * @param enough an error at which rounding can stop
 * @returns the squared error of the channel's output, summed over the measured places
 */
function roundChannel(
  rest: Float64Array,
  values: Int8Array,
  scale: number,
  guide: RoundingGuide,
  limit: WeightLimit,
  enough: number,
): number {
  let error = 0;
  for (const { from, width, factor } of guide) {
    for (let k = 0; k < width; k++) {
      const at = from + k;
      const [low, high] = limit === "pairs" && at % 2 === 1 ? besides(values[at - 1]!) : [-127, 127];
      const value = Math.max(low, Math.min(high, roundHalfToEven(rest[at]! / scale)));
      values[at] = value;
      const row = k * width;
      const miss = (rest[at]! - value * scale) / factor[row + k]!;
      error += miss * miss;
      if (error >= enough) return error;
      for (let j = k + 1; j < width; j++) rest[from + j]! -= miss * factor[row + j]!;
    }
  }
  return error;
}

/** The allowed values next to a weight, so that no sum of two with the same sign is too large. */
function besides(neighbour: number): [low: number, high: number] {
  return [
    Math.max(-127, -LARGEST_PAIR - Math.min(0, neighbour)),
    Math.min(127, LARGEST_PAIR - Math.max(0, neighbour)),
  ];
}

/** Upper triangular U with Uᵀ U = A⁻¹ for A = sums + damping. */
export function inverseFactor(sums: Float64Array, size: number): Float64Array {
  let trace = 0;
  for (let i = 0; i < size; i++) trace += sums[i * size + i]!;
  const damping = DAMPING * (trace / size) || 1;
  // A = R Rᵀ with R upper triangular, from the last row up; then U = R⁻¹.
  const root = new Float64Array(size * size);
  for (let i = size - 1; i >= 0; i--) {
    for (let j = i; j >= 0; j--) {
      let sum = sums[i * size + j]! + (i === j ? damping : 0);
      for (let k = i + 1; k < size; k++) sum -= root[i * size + k]! * root[j * size + k]!;
      root[j * size + i] = i === j ? Math.sqrt(sum) : sum / root[i * size + i]!;
    }
  }
  // R is transposed so that the inner product runs along rows.
  const inverse = new Float64Array(size * size);
  for (let i = size - 1; i >= 0; i--) {
    const row = new Float64Array(size);
    row[i] = 1;
    for (let k = i + 1; k < size; k++) {
      const part = root[i * size + k]!;
      if (part !== 0) for (let j = k; j < size; j++) row[j]! -= part * inverse[k * size + j]!;
    }
    const pivot = root[i * size + i]!;
    for (let j = i; j < size; j++) inverse[i * size + j] = row[j]! / pivot;
  }
  return inverse;
}
