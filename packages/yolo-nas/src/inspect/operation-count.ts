/** How much arithmetic a model's convolutions take. */
import type { OnnxGraph } from "../onnx/index.ts";
import { findImageInput } from "./find-input.ts";
import { spatialSizes } from "./spatial-size.ts";

export interface ConvolutionCounts {
  /** Weights and biases of all convolutions. */
  readonly parameters: number;
  /** Multiplications plus additions for one frame; undefined if the graph does not show the size at each convolution. */
  readonly operations: number | undefined;
}

/**
 * Count parameters and operations of a float graph's Conv and ConvTranspose nodes, for one frame.
 *
 * @example
 * ```ts
 * const { parameters } = countConvolutions(await loadModel("models/yolo-nas-pedestrians/fp32.onnx"));
 * assert.ok(parameters > 1_000_000);
 * ```
 */
export function countConvolutions(graph: OnnxGraph): ConvolutionCounts {
  const image = findImageInput(graph);
  const sizeOf = image && spatialSizes(graph, image.name, [image.height, image.width]);
  let parameters = 0;
  let operations: number | undefined = 0;
  for (const node of graph.nodes) {
    if (node.op !== "Conv" && node.op !== "ConvTranspose") continue;
    const weight = graph.constantOf(node.inputs[1] ?? "");
    if (!weight) continue;
    const bias = node.inputs[2] ? graph.constantOf(node.inputs[2]) : undefined;
    parameters += weight.data.length + (bias?.data.length ?? 0);
    // A transposed convolution applies its kernel once per input position, a plain one once per output position.
    const size = sizeOf?.(node.op === "Conv" ? node.outputs[0]! : node.inputs[0]!);
    operations =
      size && operations !== undefined ? operations + 2 * size[0] * size[1] * weight.data.length : undefined;
  }
  return { parameters, operations };
}
