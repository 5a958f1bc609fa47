import { type Tensor, toFloat32 } from "../onnx/index.ts";
import type { QuantizableLayer } from "./quantization-plan.ts";
import { upsampleConvolution } from "./upsample-as-convolution.ts";
import { quantizeBias, quantizeWeights, type WeightLimit } from "./weight-quantization.ts";

/** An integer constant with one scale per index of `axis` and zero-point 0. */
export interface QuantizedConstant {
  readonly values: Tensor;
  readonly scales: Float32Array;
  readonly axis: number;
}

/** A layer's constants in integers. */
export interface QuantizedConstants {
  /** int8, per output channel. */
  readonly weight: QuantizedConstant;
  /** int32 at input scale × weight scale; undefined when the layer has no bias, or it stays float. */
  readonly bias: QuantizedConstant | undefined;
}

/**
 * Quantise a layer's weights and, for ONNX Runtime, its bias.
 * @param integerBias false for TensorRT, which takes a float bias
 * @param asConvolution write a ConvTranspose as the equal 1×1 convolution over phases
 */
export function quantizeConstants(
  layer: QuantizableLayer,
  inputScale: number,
  {
    integerBias,
    asConvolution,
    limit,
  }: { readonly integerBias: boolean; readonly asConvolution: boolean; readonly limit: WeightLimit },
): QuantizedConstants {
  const converted = asConvolution ? upsampleConvolution(layer.weight, layer.bias) : undefined;
  const dims = converted?.dims ?? layer.weight.dims;
  const weight = converted?.weight ?? toFloat32(layer.weight);
  const bias = integerBias ? (converted?.bias ?? layer.bias) : undefined;
  // A ConvTranspose keeps its output channels second.
  const axis = layer.node.op === "ConvTranspose" && !asConvolution ? 1 : 0;
  const byChannel = axis === 1 ? swapFirstAxes(weight, dims) : weight;
  const taps = dims.slice(2).reduce((product, dim) => product * dim, 1);
  const nearest = () => quantizeWeights(byChannel, { channels: dims[axis]!, taps }, bias, inputScale, limit);
  const { rounded } = layer;
  const { values, scales } = rounded && fits(bias, inputScale, rounded.scales) ? rounded : nearest();
  const data = axis === 1 ? swapFirstAxes(values, [dims[1]!, dims[0]!, ...dims.slice(2)]) : values;
  return {
    weight: { values: { type: "int8", dims, data }, scales, axis },
    bias: bias && {
      values: { type: "int32", dims: [bias.length], data: quantizeBias(bias, inputScale, scales) },
      scales: scales.map((scale) => scale * inputScale),
      axis: 0,
    },
  };
}

/** Whether each bias fits an int32 at the product's scale. */
function fits(bias: Float32Array | undefined, inputScale: number, scales: Float32Array): boolean {
  return scales.every((scale, channel) => Math.abs(bias?.[channel] ?? 0) <= 2 ** 30 * inputScale * scale);
}

/** [A, B, …] to [B, A, …]. */
function swapFirstAxes<T extends Float32Array | Int8Array>(values: T, dims: readonly number[]): T {
  const [first, second, ...rest] = dims as [number, number, ...number[]];
  const inner = rest.reduce((product, dim) => product * dim, 1);
  const result = values.slice() as T;
  for (let a = 0; a < first; a++) {
    for (let b = 0; b < second; b++) {
      const from = (a * second + b) * inner;
      result.set(values.subarray(from, from + inner) as never, (b * first + a) * inner);
    }
  }
  return result;
}
