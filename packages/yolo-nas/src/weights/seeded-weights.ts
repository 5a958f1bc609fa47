/** Random weights whose activations and predictions have the size of a trained network's, for capacity tests. */
import type { BlockSpec } from "../architecture/network.ts";
import type { Kernel, LayerWeights } from "./kernel.ts";

/** Prior of super-gradients' class bias: -log((1 - 0.01) / 0.01). */
const CLASS_BIAS = -Math.log(99);
/** The distance, in grid cells, that the random box heads prefer: boxes about six cells wide. */
const PREFERRED_DISTANCE = 3;

/**
 * He-initialised weights from a seed: the same seed gives the same numbers on every machine, layer by layer, whatever
 * the order of the calls. A bottleneck's second convolution is damped so that sums of shortcuts do not grow.
 *
 * @example
 * ```ts
 * const layer = () => new SeededWeights(1).prediction("heads.head1.cls_pred", 8, 2).weight;
 * assert.deepEqual(layer(), layer());
 * ```
 */
export class SeededWeights implements LayerWeights {
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  block(spec: BlockSpec, inChannels: number): Kernel {
    const gain = spec.path.endsWith(".cv2") ? 0.2 : 1;
    return this.random(spec.path, spec.out, inChannels, spec.size, gain);
  }

  prediction(path: string, inChannels: number, out: number): Kernel {
    const isClass = path.endsWith(".cls_pred");
    const kernel = this.random(path, out, inChannels, 1, isClass ? 1.5 : 1);
    const bins = out / 4;
    const bias = kernel.bias.map((_, o) =>
      isClass ? CLASS_BIAS : -(((o % bins) - PREFERRED_DISTANCE) ** 2) / 8,
    );
    return { ...kernel, bias };
  }

  upsample(path: string, channels: number): Kernel {
    // Stride equals size, so each output reads one 1×1 patch: the fan-in is the channel count alone. No ReLU follows.
    return this.random(path, channels, channels, 2, 2 * Math.SQRT1_2);
  }

  alpha(): number {
    return 1;
  }

  private random(path: string, out: number, inChannels: number, size: number, gain: number): Kernel {
    const fanIn = inChannels * size * size;
    // Uniform on (-limit, limit) with variance gain² · 2 / fanIn, which keeps E[x²] through a ReLU (He et al., 2015).
    const limit = gain * Math.sqrt(6 / fanIn);
    const weight = new Float64Array(out * fanIn);
    let state = hash(path) ^ Math.imul(this.seed, 0x9e3779b1);
    for (let i = 0; i < weight.length; i++) {
      state = (state + 0x6d2b79f5) | 0;
      weight[i] = limit * (2 * (mix(state) / 2 ** 32) - 1);
    }
    return { out, in: inChannels, size, weight, bias: new Float64Array(out) };
  }
}

/** Finaliser of mulberry32: 32 well-mixed bits. */
function mix(value: number): number {
  let t = Math.imul(value ^ (value >>> 15), value | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (t ^ (t >>> 14)) >>> 0;
}

/** FNV-1a of a layer's path. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value;
}
