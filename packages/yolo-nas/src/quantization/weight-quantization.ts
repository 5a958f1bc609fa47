import type { Range } from "./calibration-range.ts";

/** Processors without VNNI add two neighbouring products of u8 × s8 in int16, which clips above 32767. */

/** Two neighbouring weights of one sign may sum to this much: 255 × 128 = 32640. */
export const LARGEST_PAIR = 128;

/** The largest magnitude of the sum of two weights when each is multiplied by a factor between 0 and 1. */
export function sameSign(a: number, b: number): number {
  return Math.max(Math.max(a, 0) + Math.max(b, 0), -(Math.min(a, 0) + Math.min(b, 0)));
}

/** The position of the k-th weight that a channels-last kernel multiplies: tap by tap, all input channels within a tap. */
export function kernelOrder(size: number, taps: number): Int32Array {
  const inputs = size / taps;
  return Int32Array.from({ length: size }, (_, k) => (k % inputs) * taps + Math.floor(k / inputs));
}

/** Symmetric int8 values with one scale per channel: real = value × scale. */
export type QuantizedWeights = { readonly values: Int8Array; readonly scales: Float32Array };

/**
 * How large integer weights may be. `pairs`: processors without VNNI add two neighbouring products of u8 × s8 in int16, which
 * clips above 32767. Two neighbours of one sign therefore sum to no more than 128, since 255 × 128 = 32640.
 */
export type WeightLimit = "full" | "pairs";

/** A layer's weights, row-major, `channels` blocks of equal size (axis 0): [channel, input channel, tap]. */
export interface WeightShape {
  readonly channels: number;
  /** Spatial taps of the kernel: 9 for 3×3. */
  readonly taps: number;
}

/**
 * Quantise weights per channel, symmetric, values in [-127, 127], which TensorRT demands.
 * @param bias float bias; a channel's scale is raised where its bias would not fit int32 at the product's scale
 * @param inputScale scale of the layer's input
 */
export function quantizeWeights(
  weights: Float32Array,
  { channels, taps }: WeightShape,
  bias: Float32Array | undefined,
  inputScale: number,
  limit: WeightLimit,
): QuantizedWeights {
  const size = weights.length / channels;
  const order = kernelOrder(size, taps);
  const values = new Int8Array(weights.length);
  const scales = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const from = channel * size;
    let largest = 0;
    for (let i = from; i < from + size; i++) largest = Math.max(largest, Math.abs(weights[i]!));
    let step = largest / 127;
    if (limit === "pairs") {
      for (let k = 0; k + 1 < size; k += 2) {
        const pair = sameSign(weights[from + order[k]!]!, weights[from + order[k + 1]!]!);
        step = Math.max(step, pair / LARGEST_PAIR);
      }
    }
    const forBias = Math.abs(bias?.[channel] ?? 0) / inputScale / 2 ** 30;
    const scale = Math.fround(Math.max(step, forBias, 1e-12));
    scales[channel] = scale;
    for (let i = from; i < from + size; i++) {
      values[i] = Math.max(-127, Math.min(127, roundHalfToEven(weights[i]! / scale)));
    }
    if (limit === "pairs") {
      for (let k = 0; k + 1 < size; k += 2) {
        const [a, b] = [from + order[k]!, from + order[k + 1]!];
        if (sameSign(values[a]!, values[b]!) <= LARGEST_PAIR) continue;
        // Both were rounded up: the one that was rounded up more is reduced.
        const excess = (i: number) => Math.abs(values[i]!) - Math.abs(weights[i]! / scale);
        const chosen = excess(a) >= excess(b) ? a : b;
        values[chosen]! -= Math.sign(values[chosen]!);
      }
    }
  }
  return { values, scales };
}

/** The bias at the scale of the integer product, which is input scale × weight scale per channel. */
export function quantizeBias(bias: Float32Array, inputScale: number, scales: Float32Array): Int32Array {
  return Int32Array.from(bias, (value, channel) => roundHalfToEven(value / (inputScale * scales[channel]!)));
}

/** Scale and zero-point of an activation. */
export type Encoding = {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly type: "uint8" | "int8";
};

/**
 * uint8 for ONNX Runtime's CPU and CUDA providers: zero-point 0 when the tensor is never negative (QLinearConv's own saturation then acts
 * as the ReLU), asymmetric otherwise.
 */
export function unsignedEncoding({ low, high }: Range): Encoding {
  const scale = Math.fround((high - low) / 255);
  return { scale, zeroPoint: Math.max(0, Math.min(255, Math.round(-low / scale))), type: "uint8" };
}

/** Symmetric int8 with zero-point 0, the only kind that TensorRT accepts. */
export function symmetricEncoding({ low, high }: Range): Encoding {
  return { scale: Math.fround(Math.max(high, -low) / 127), zeroPoint: 0, type: "int8" };
}

/** ONNX's QuantizeLinear rounds halves to even. */
export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
