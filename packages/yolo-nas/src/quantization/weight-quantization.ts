import type { Range } from "./calibration-range.ts";

/** Symmetric int8 values with one scale per channel: real = value × scale. */
export type QuantizedWeights = { readonly values: Int8Array; readonly scales: Float32Array };

/**
 * Quantise weights per channel, symmetric, values in [-127, 127], which TensorRT demands and VNNI multiplies exactly.
 * @param weights row-major, `channels` blocks of equal size (axis 0)
 * @param bias float bias; a channel's scale is raised where its bias would not fit int32 at the product's scale
 * @param inputScale scale of the layer's input
 */
export function quantizeWeights(
  weights: Float32Array,
  channels: number,
  bias: Float32Array | undefined,
  inputScale: number,
): QuantizedWeights {
  const size = weights.length / channels;
  const values = new Int8Array(weights.length);
  const scales = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const from = channel * size;
    let largest = 0;
    for (let i = from; i < from + size; i++) largest = Math.max(largest, Math.abs(weights[i]!));
    const forBias = Math.abs(bias?.[channel] ?? 0) / inputScale / 2 ** 30;
    const scale = Math.fround(Math.max(largest / 127, forBias, 1e-12));
    scales[channel] = scale;
    for (let i = from; i < from + size; i++) {
      values[i] = Math.max(-127, Math.min(127, roundHalfToEven(weights[i]! / scale)));
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
 * uint8 for ONNX Runtime's CPU and CUDA providers: zero-point 0 when the tensor is never negative (so that
 * QLinearConv's own saturation is the ReLU), asymmetric otherwise.
 */
export function unsignedEncoding({ low, high }: Range): Encoding {
  const scale = Math.fround((high - low) / 255);
  return { scale, zeroPoint: Math.max(0, Math.min(255, Math.round(-low / scale))), type: "uint8" };
}

/** Symmetric int8 with zero-point 0, the only kind TensorRT takes. */
export function symmetricEncoding({ low, high }: Range): Encoding {
  return { scale: Math.fround(Math.max(high, -low) / 127), zeroPoint: 0, type: "int8" };
}

/** ONNX's QuantizeLinear rounds halves to even. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
