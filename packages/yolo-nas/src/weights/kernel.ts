import type { BlockSpec } from "../architecture/network.ts";

/** Convolution kernels in double precision, and the folds that are exact on them. */

/** A convolution: `weight` is [out, in, size, size] row-major, `bias` is [out]. */
export interface Kernel {
  readonly out: number;
  readonly in: number;
  readonly size: number;
  readonly weight: Float64Array;
  readonly bias: Float64Array;
}

/** BatchNorm in inference: y = (x - mean) / sqrt(variance + epsilon) · gamma + beta, per channel. */
export interface BatchNorm {
  readonly gamma: ArrayLike<number>;
  readonly beta: ArrayLike<number>;
  readonly mean: ArrayLike<number>;
  readonly variance: ArrayLike<number>;
  readonly epsilon: number;
}

/** Fold a BatchNorm that follows a convolution into it. */
export function foldBatchNorm(kernel: Kernel, bn: BatchNorm): Kernel {
  const factor = Float64Array.from({ length: kernel.out }, (_, o) => {
    return bn.gamma[o]! / Math.sqrt(bn.variance[o]! + bn.epsilon);
  });
  const scaled = scaleOutput(kernel, factor);
  for (let o = 0; o < kernel.out; o++) scaled.bias[o]! += bn.beta[o]! - bn.mean[o]! * factor[o]!;
  return scaled;
}

/** Multiply the output of a convolution, per output channel. */
export function scaleOutput(kernel: Kernel, factor: ArrayLike<number>): Kernel {
  const perOutput = kernel.weight.length / kernel.out;
  const weight = kernel.weight.map((value, i) => value * factor[Math.floor(i / perOutput)]!);
  const bias = kernel.bias.map((value, o) => value * factor[o]!);
  return { ...kernel, weight, bias };
}

/** Multiply the input of a convolution, per input channel: conv'(x) = conv(factor · x). */
export function scaleInput(kernel: Kernel, factor: ArrayLike<number>): Kernel {
  const area = kernel.size * kernel.size;
  const weight = kernel.weight.map((value, i) => value * factor[Math.floor(i / area) % kernel.in]!);
  return { ...kernel, weight };
}

/**
 * QARepVGG's parallel branches as one 3×3 kernel: a 3×3 convolution (its BatchNorm already folded), a 1×1
 * convolution at the kernel's centre, and optionally the identity.
 */
export function mergeBranches(threeByThree: Kernel, oneByOne: Kernel, identity: boolean): Kernel {
  const weight = threeByThree.weight.slice();
  const bias = threeByThree.bias.map((value, o) => value + oneByOne.bias[o]!);
  const pairs = threeByThree.out * threeByThree.in;
  for (let i = 0; i < pairs; i++) weight[i * 9 + 4]! += oneByOne.weight[i]!;
  if (identity) for (let o = 0; o < threeByThree.out; o++) weight[(o * threeByThree.in + o) * 9 + 4]! += 1;
  return { ...threeByThree, weight, bias };
}

/** The source of a network's weights, layer by layer, with every block fused to one convolution. */
export interface LayerWeights {
  /** A block's convolution with its branches and BatchNorms folded in. */
  block(spec: BlockSpec, inChannels: number): Kernel;
  /** A 1×1 convolution with bias. */
  prediction(path: string, inChannels: number, out: number): Kernel;
  /** A 2×2 transposed convolution with bias; the weight is [in, out, 2, 2]. */
  upsample(path: string, channels: number): Kernel;
  /** The learned scalar of a bottleneck's shortcut. */
  alpha(path: string): number;
}
