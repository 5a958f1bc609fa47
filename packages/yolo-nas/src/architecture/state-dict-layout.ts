/** Names and shapes of an architecture's parameters, in super-gradients' training form, and their counts. */
import { elementCount } from "../onnx/tensor.ts";
import type { ArchitectureSpec } from "./architectures.ts";
import { type BlockSpec, type NetworkVisitor, visitNetwork } from "./network.ts";

/** How far QARepVGG blocks are fused in a checkpoint. */
export type FusionForm = "training" | "partial" | "full";

/**
 * Every floating-point tensor of a state dict, by name, with its shape. Includes BatchNorm statistics, and, in the
 * training form, the `rbr_reparam` placeholder of each QARepVGG block.
 */
export function stateDictLayout(
  arch: ArchitectureSpec,
  classCount: number,
  form: FusionForm,
): Map<string, readonly number[]> {
  const layout = new Map<string, readonly number[]>();
  const conv = (path: string, out: number, input: number, size: number, bias: boolean) => {
    layout.set(`${path}.weight`, [out, input, size, size]);
    if (bias) layout.set(`${path}.bias`, [out]);
  };
  const batchNorm = (path: string, channels: number) => {
    for (const part of ["weight", "bias", "running_mean", "running_var"])
      layout.set(`${path}.${part}`, [channels]);
  };
  const visitor: NetworkVisitor<number> = {
    block(input: number, spec: BlockSpec) {
      const { path, kind, out, size } = spec;
      if (kind === "conv") {
        conv(`${path}.conv`, out, input, size, false);
        batchNorm(`${path}.bn`, out);
        return out;
      }
      if (form === "training") {
        conv(`${path}.branch_3x3.conv`, out, input, 3, false);
        batchNorm(`${path}.branch_3x3.bn`, out);
        conv(`${path}.branch_1x1`, out, input, 1, true);
      }
      conv(`${path}.rbr_reparam`, out, input, 3, true);
      if (form !== "full") batchNorm(`${path}.post_bn`, out);
      return out;
    },
    bottleneck(channels: number, path, kind) {
      layout.set(`${path}.alpha`, [1]);
      for (const cv of ["cv1", "cv2"]) {
        const identity = kind === "repvgg";
        visitor.block(channels, { path: `${path}.${cv}`, kind, out: channels, size: 3, stride: 1, identity });
      }
      return channels;
    },
    concat: (values) => values.reduce((sum, channels) => sum + channels, 0),
    maxPool: (channels) => channels,
    upsample(channels, path) {
      conv(path, channels, channels, 2, true);
      return channels;
    },
    prediction(input, path, out) {
      conv(path, out, input, 1, true);
      return out;
    },
  };
  visitNetwork(arch, classCount, 3, visitor);
  return layout;
}

export interface ParameterCounts {
  /** Trainable parameters of the training form: all branches, BatchNorm's gamma and beta, shortcut factors. */
  readonly training: number;
  /** The `rbr_reparam` placeholders that a training checkpoint contains in addition; PyTorch counts them as parameters too. */
  readonly placeholders: number;
  /** Weights and biases of the deployed graph, in which every block is one convolution. */
  readonly fused: number;
}

/**
 * Count an architecture's parameters for a number of classes.
 *
 * @example
 * ```ts
 * assert.equal(countParameters(architecture("yolo_nas_s"), 80).fused, 12_167_580);
 * ```
 */
export function countParameters(arch: ArchitectureSpec, classCount: number): ParameterCounts {
  const sum = (form: FusionForm, keep: (name: string) => boolean) =>
    [...stateDictLayout(arch, classCount, form)]
      .filter(([name]) => keep(name))
      .reduce((total, [, shape]) => total + elementCount(shape), 0);
  const isStatistic = (name: string) => /\.running_(mean|var)$/.test(name);
  const isPlaceholder = (name: string) => name.includes(".rbr_reparam.");
  const isConvolution = (name: string) => !/\.(bn|post_bn)\.|\.alpha$/.test(name);
  // A folded BatchNorm leaves a bias with as many numbers as its beta.
  const isFoldedBias = (name: string) => /(?<!post_)bn\.bias$/.test(name);
  return {
    training: sum("training", (name) => !isStatistic(name) && !isPlaceholder(name)),
    placeholders: sum("training", isPlaceholder),
    fused: sum("full", (name) => isConvolution(name) || isFoldedBias(name)),
  };
}
