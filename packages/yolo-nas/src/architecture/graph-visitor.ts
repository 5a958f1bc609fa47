/** Turns the network's layers into ONNX nodes: one Conv and one Relu per block, shortcuts as plain additions. */
import { attr, float32, type OnnxGraph } from "../onnx/index.ts";
import { type Kernel, type LayerWeights, scaleInput, scaleOutput } from "../weights/kernel.ts";
import type { BlockKind, BlockSpec, NetworkVisitor } from "./network.ts";

/**
 * An activation in the graph. The true value of a channel is the stored one times its segment's `scale`: learned
 * shortcut factors travel forward as scales until a convolution takes them into its weights.
 */
export interface GraphActivation {
  readonly name: string;
  readonly segments: readonly { readonly channels: number; readonly scale: number }[];
  readonly height: number;
  readonly width: number;
}

/** A smaller shortcut factor is kept as a Mul: dividing by it would cost precision. */
const SMALLEST_FOLDED_ALPHA = 1e-2;

export class GraphVisitor implements NetworkVisitor<GraphActivation> {
  private readonly graph: OnnxGraph;
  private readonly weights: LayerWeights;

  constructor(graph: OnnxGraph, weights: LayerWeights) {
    this.graph = graph;
    this.weights = weights;
  }

  block(x: GraphActivation, spec: BlockSpec): GraphActivation {
    return this.convRelu(x, spec, 1);
  }

  bottleneck(x: GraphActivation, path: string, kind: BlockKind): GraphActivation {
    const { channels, scale } = x.segments[0]!;
    const spec = { kind, out: channels, size: 3, stride: 1, identity: kind === "repvgg" };
    const alpha = this.weights.alpha(path);
    const folded = alpha >= SMALLEST_FOLDED_ALPHA;
    // alpha·s·u + y = alpha·s·(u + y / (alpha·s)), and ReLU commutes with a positive factor.
    const outScale = folded ? alpha * scale : 1;
    const inner = this.convRelu(x, { ...spec, path: `${path}.cv1` }, 1);
    const y = this.convRelu(inner, { ...spec, path: `${path}.cv2` }, 1 / outScale);
    const shortcut = folded ? x.name : this.scaled(x.name, path, alpha * scale);
    const name = this.graph.add("Add", [shortcut, y.name], {}, `${path}.add`);
    return this.activation(name, [{ channels, scale: outScale }], x.height, x.width);
  }

  concat(values: readonly GraphActivation[]): GraphActivation {
    const { height, width, name: first } = values[0]!;
    const name = this.graph.uniqueName(`${first.slice(0, first.lastIndexOf("."))}.concat`);
    this.graph.add(
      "Concat",
      values.map((value) => value.name),
      { axis: attr.int(1) },
      name,
    );
    return this.activation(
      name,
      values.flatMap((value) => value.segments),
      height,
      width,
    );
  }

  maxPool(x: GraphActivation, path: string, size: number): GraphActivation {
    const pad = Math.floor(size / 2);
    const name = this.graph.add(
      "MaxPool",
      [x.name],
      {
        kernel_shape: attr.ints([size, size]),
        strides: attr.ints([1, 1]),
        pads: attr.ints([pad, pad, pad, pad]),
      },
      path,
    );
    return this.activation(name, x.segments, x.height, x.width);
  }

  upsample(x: GraphActivation, path: string): GraphActivation {
    const channels = channelCount(x);
    const kernel = this.weights.upsample(path, channels);
    const name = this.graph.add(
      "ConvTranspose",
      [x.name, ...this.constants(path, [channels, channels, 2, 2], kernel)],
      { kernel_shape: attr.ints([2, 2]), strides: attr.ints([2, 2]) },
      path,
    );
    return this.activation(name, [{ channels, scale: 1 }], 2 * x.height, 2 * x.width);
  }

  prediction(x: GraphActivation, path: string, out: number): GraphActivation {
    const kernel = this.weights.prediction(path, channelCount(x), out);
    return this.conv(x, path, path, kernel, 1);
  }

  private convRelu(x: GraphActivation, spec: BlockSpec, factor: number): GraphActivation {
    const raw = this.weights.block(spec, channelCount(x));
    const kernel = factor === 1 ? raw : scaleOutput(raw, new Float64Array(raw.out).fill(factor));
    const conv = this.conv(x, spec.path, `${spec.path}.linear`, kernel, spec.stride);
    const name = this.graph.add("Relu", [conv.name], {}, `${spec.path}.relu`);
    return this.activation(name, conv.segments, conv.height, conv.width);
  }

  private conv(
    x: GraphActivation,
    path: string,
    output: string,
    kernel: Kernel,
    stride: number,
  ): GraphActivation {
    const scales = x.segments.flatMap(({ channels, scale }) => new Array<number>(channels).fill(scale));
    const scaled = scales.every((scale) => scale === 1) ? kernel : scaleInput(kernel, scales);
    const { size } = kernel;
    const pad = Math.floor(size / 2);
    this.graph.addNode({
      op: "Conv",
      name: path,
      inputs: [x.name, ...this.constants(path, [kernel.out, kernel.in, size, size], scaled)],
      outputs: [output],
      attributes: {
        kernel_shape: attr.ints([size, size]),
        strides: attr.ints([stride, stride]),
        pads: attr.ints([pad, pad, pad, pad]),
      },
    });
    const segments = [{ channels: kernel.out, scale: 1 }];
    return this.activation(output, segments, Math.ceil(x.height / stride), Math.ceil(x.width / stride));
  }

  private scaled(value: string, path: string, factor: number): string {
    const constant = this.graph.addInitializer(`${path}.alpha`, float32([], [factor]));
    return this.graph.add("Mul", [value, constant], {}, `${path}.scaled`);
  }

  private constants(path: string, dims: readonly number[], kernel: Kernel): [string, string] {
    return [
      this.graph.addInitializer(`${path}.weight`, float32(dims, Float32Array.from(kernel.weight))),
      this.graph.addInitializer(`${path}.bias`, float32([kernel.out], Float32Array.from(kernel.bias))),
    ];
  }

  private activation(
    name: string,
    segments: GraphActivation["segments"],
    height: number,
    width: number,
  ): GraphActivation {
    const value = { name, segments, height, width };
    this.graph.valueInfo.set(name, {
      name,
      type: "float32",
      shape: ["N", channelCount(value), height, width],
    });
    return value;
  }
}

function channelCount(value: GraphActivation): number {
  return value.segments.reduce((sum, segment) => sum + segment.channels, 0);
}
