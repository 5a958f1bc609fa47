/** A super-gradients state dict, at any stage of fusion, read as fused layers. */
import type { BlockSpec } from "../architecture/network.ts";
import { WeightsError } from "../errors.ts";
import { type BatchNorm, foldBatchNorm, type Kernel, type LayerWeights, mergeBranches } from "./kernel.ts";
import type { StateDict } from "./safetensors.ts";

/** Every BatchNorm of YOLO-NAS (arch_params `bn_eps`). */
const BN_EPSILON = 1e-3;

/**
 * Read layers from a state dict in training form (branches), partially fused (`rbr_reparam` and `post_bn`), fully
 * fused (`rbr_reparam` alone), or any mixture. Folds are computed in double precision.
 * @throws WeightsError from its methods when a tensor is missing or has another shape
 *
 * @example
 * ```ts
 * const state = await readSafetensors("models/yolo-nas-pedestrians/yolo-nas-pedestrians.safetensors");
 * const input = { width: 64, height: 32, classes: ["person"] };
 * const graph = buildModel(architecture("yolo_nas_xs"), new StateDictWeights(state), input);
 * assert.deepEqual(graph.outputs.map(({ name }) => name), ["boxes", "scores"]);
 * ```
 */
export class StateDictWeights implements LayerWeights {
  private readonly state: StateDict;

  constructor(state: StateDict) {
    this.state = state;
  }

  block(spec: BlockSpec, inChannels: number): Kernel {
    const { path, out, size } = spec;
    if (spec.kind === "conv")
      return this.withBatchNorm(this.kernel(`${path}.conv`, out, inChannels, size), `${path}.bn`);
    // A training checkpoint also has rbr_reparam, as an unused placeholder, so branches are preferred.
    const fused = this.has(`${path}.branch_3x3.conv.weight`)
      ? mergeBranches(
          this.withBatchNorm(
            this.kernel(`${path}.branch_3x3.conv`, out, inChannels, 3),
            `${path}.branch_3x3.bn`,
          ),
          this.scaledBranch(path, out, inChannels),
          spec.identity,
        )
      : this.kernel(`${path}.rbr_reparam`, out, inChannels, 3);
    return this.withBatchNorm(fused, `${path}.post_bn`);
  }

  prediction(path: string, inChannels: number, out: number): Kernel {
    return this.kernel(path, out, inChannels, 1);
  }

  upsample(path: string, channels: number): Kernel {
    return this.kernel(path, channels, channels, 2);
  }

  alpha(path: string): number {
    return this.has(`${path}.alpha`) ? this.values(`${path}.alpha`, 1)[0]! : 1;
  }

  /** The 1×1 branch; blocks built with `use_alpha` weigh it by a learned scalar. */
  private scaledBranch(path: string, out: number, inChannels: number): Kernel {
    const branch = this.kernel(`${path}.branch_1x1`, out, inChannels, 1);
    const alpha = this.alpha(path);
    return {
      ...branch,
      weight: branch.weight.map((v) => v * alpha),
      bias: branch.bias.map((v) => v * alpha),
    };
  }

  private kernel(path: string, out: number, inChannels: number, size: number): Kernel {
    const weight = this.values(`${path}.weight`, out * inChannels * size * size, [
      out,
      inChannels,
      size,
      size,
    ]);
    const bias = this.has(`${path}.bias`) ? this.values(`${path}.bias`, out) : new Float64Array(out);
    return { out, in: inChannels, size, weight, bias };
  }

  private withBatchNorm(kernel: Kernel, path: string): Kernel {
    if (!this.has(`${path}.running_var`)) return kernel;
    const bn: BatchNorm = {
      gamma: this.values(`${path}.weight`, kernel.out),
      beta: this.values(`${path}.bias`, kernel.out),
      mean: this.values(`${path}.running_mean`, kernel.out),
      variance: this.values(`${path}.running_var`, kernel.out),
      epsilon: BN_EPSILON,
    };
    return foldBatchNorm(kernel, bn);
  }

  private has(name: string): boolean {
    return this.state.get(name) !== undefined;
  }

  private values(name: string, count: number, shape: readonly number[] = [count]): Float64Array {
    const tensor = this.state.get(name);
    if (!tensor)
      throw new WeightsError(`The weights hold no tensor "${name}"; is this another architecture?`);
    if (tensor.data.length !== count) {
      throw new WeightsError(
        `Tensor "${name}" has shape [${tensor.dims}] but the architecture and class count need [${shape}].`,
      );
    }
    return Float64Array.from(tensor.data);
  }
}

/**
 * How many classes a state dict was trained for. @throws WeightsError when it holds no class prediction layer
 *
 * @example
 * ```ts
 * const state = await readSafetensors("models/yolo-nas-pedestrians/yolo-nas-pedestrians.safetensors");
 * assert.equal(classCountOf(state), 1);
 * ```
 */
export function classCountOf(state: StateDict): number {
  const bias = state.get("heads.head1.cls_pred.bias");
  if (!bias)
    throw new WeightsError(
      'The weights hold no tensor "heads.head1.cls_pred.bias": not a YOLO-NAS checkpoint.',
    );
  return bias.data.length;
}
