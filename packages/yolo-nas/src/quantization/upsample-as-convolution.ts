import { attr, type GraphNode, int64, type OnnxGraph, type Tensor, toFloat32 } from "../onnx/index.ts";

/** Weights and bias of the 1×1 convolution that computes the four phases of a 2×2 stride-2 ConvTranspose. */
export interface UpsampleConvolution {
  /** [4 × C, Cin, 1, 1], output channel = (dy × 2 + dx) × C + c. */
  readonly weight: Float32Array;
  readonly dims: readonly number[];
  readonly bias: Float32Array;
}

/** Rearrange a ConvTranspose's weights, [Cin, C, 2, 2], for {@link shufflePhases}. The two are exactly equal. */
export function upsampleConvolution(weight: Tensor, bias: Float32Array | undefined): UpsampleConvolution {
  const [inputs, outputs] = weight.dims as [number, number];
  const source = toFloat32(weight);
  const target = new Float32Array(source.length);
  for (let i = 0; i < inputs; i++) {
    for (let o = 0; o < outputs; o++) {
      for (let phase = 0; phase < 4; phase++) {
        target[(phase * outputs + o) * inputs + i] = source[(i * outputs + o) * 4 + phase]!;
      }
    }
  }
  const oneBias = bias ?? new Float32Array(outputs);
  const repeated = Float32Array.from({ length: 4 * outputs }, (_, i) => oneBias[i % outputs]!);
  return { weight: target, dims: [4 * outputs, inputs, 1, 1], bias: repeated };
}

/**
 * Spread four phases [N, 4C, H, W] over [N, C, 2H, 2W], in whatever element type the tensor has. DepthToSpace would say the same in one
 * node, but ONNX Runtime has none for 8-bit integers. The detour through channels-last costs nothing: the runtime keeps 8-bit
 * convolutions channels-last itself, so the outer transposes cancel against its own, and the inner one moves runs of 2C bytes.
 * @returns the last node, whose output the caller names
 */
export function shufflePhases(
  graph: OnnxGraph,
  phases: string,
  channels: number,
  size: readonly [height: number, width: number],
  name: string,
  output: string,
): GraphNode {
  const [height, width] = size;
  const constant = (suffix: string, values: number[]) =>
    graph.addInitializer(`${name}/${suffix}`, int64([values.length], values));
  const last = graph.add("Transpose", [phases], { perm: attr.ints([0, 2, 3, 1]) }, `${name}/channels_last`);
  const split = constant("split_shape", [-1, height, width, 2, 2 * channels]);
  const apart = graph.add("Reshape", [last, split], {}, `${name}/split`);
  const rows = graph.add("Transpose", [apart], { perm: attr.ints([0, 1, 3, 2, 4]) }, `${name}/rows`);
  const join = constant("join_shape", [-1, 2 * height, 2 * width, channels]);
  const joined = graph.add("Reshape", [rows, join], {}, `${name}/join`);
  return graph.addNode({
    op: "Transpose",
    inputs: [joined],
    outputs: [output],
    name: `${name}/channels_first`,
    attributes: { perm: attr.ints([0, 3, 1, 2]) },
  });
}
