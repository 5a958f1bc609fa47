/** Heights and widths inside a convolutional graph, worked out from its input. */
import type { GraphNode, OnnxGraph } from "../onnx/index.ts";

export type SpatialSize = readonly [height: number, width: number];

/** Operators that keep height and width of their first computed input. */
const KEEPING = new Set(
  "Relu BatchNormalization Add Mul Sub Div Concat Identity Cast Clip Sigmoid HardSigmoid Dropout QuantizeLinear DequantizeLinear Gather".split(
    " ",
  ),
);

/**
 * Size of a 4-D activation, given the size of the graph's image input; undefined when an operator on the way is not one
 * of a convolutional network's.
 */
export function spatialSizes(
  graph: OnnxGraph,
  image: string,
  size: SpatialSize,
): (value: string) => SpatialSize | undefined {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const known = new Map<string, SpatialSize | undefined>([[image, size]]);
  const isConstant = (name: string) => name === "" || graph.constantOf(name) !== undefined;

  const sizeOf = (value: string): SpatialSize | undefined => {
    if (known.has(value)) return known.get(value);
    // Marked before descending, so that a cycle ends.
    known.set(value, undefined);
    const node = producers.get(value);
    const source = node?.inputs.find((name) => !isConstant(name));
    const input = source === undefined ? undefined : sizeOf(source);
    const result = node && input && nodeSize(node, input);
    known.set(value, result);
    return result;
  };
  return sizeOf;
}

function nodeSize(node: GraphNode, [height, width]: SpatialSize): SpatialSize | undefined {
  if (KEEPING.has(node.op)) return [height, width];
  const kernel = listOf(node, "kernel_shape", [1, 1]);
  const strides = listOf(node, "strides", [1, 1]);
  const pads = listOf(node, "pads", [0, 0, 0, 0]);
  const dilations = listOf(node, "dilations", [1, 1]);
  const [top = 0, left = 0, bottom = 0, right = 0] = pads;
  const padding = [top + bottom, left + right];
  const each = (f: (side: number, axis: 0 | 1) => number): SpatialSize => [f(height, 0), f(width, 1)];
  if (node.op === "Conv" || node.op === "MaxPool" || node.op === "AveragePool") {
    return each((side, axis) => {
      const reach = dilations[axis]! * (kernel[axis]! - 1) + 1;
      return Math.floor((side + padding[axis]! - reach) / strides[axis]!) + 1;
    });
  }
  if (node.op === "ConvTranspose") {
    const extra = listOf(node, "output_padding", [0, 0]);
    return each((side, axis) => {
      const reach = dilations[axis]! * (kernel[axis]! - 1) + 1;
      return strides[axis]! * (side - 1) + extra[axis]! + reach - padding[axis]!;
    });
  }
  return undefined;
}

function listOf(node: GraphNode, name: string, fallback: readonly number[]): readonly number[] {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "ints" ? attribute.value : fallback;
}
