import type { BlockSpec } from "../architecture/network.ts";
import type { Kernel } from "./kernel.ts";

/** Where a network's numbers come from, layer by layer, every block already fused to one convolution. */
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
