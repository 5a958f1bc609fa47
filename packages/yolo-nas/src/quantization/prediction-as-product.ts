import { attr, int64, type OnnxGraph } from "../onnx/index.ts";
import type { QuantizableLayer } from "./quantization-plan.ts";

/**
 * Whether a layer is a product of each place's channels with a matrix. ONNX Runtime gives the product of two 8-bit matrices in float, but
 * a convolution's result only in 8 bits: so predictions can stay precise without being computed in float.
 */
export function isProduct({ node, weight: { dims } }: QuantizableLayer): boolean {
  const all = (name: string, value: number) => {
    const attribute = node.attributes.get(name);
    return attribute?.kind !== "ints" || attribute.value.every((each) => each === value);
  };
  const group = node.attributes.get("group");
  return (
    node.op === "Conv" &&
    dims.length === 4 &&
    dims[2] === 1 &&
    dims[3] === 1 &&
    all("strides", 1) &&
    all("pads", 0) &&
    (group?.kind !== "int" || group.value === 1)
  );
}

/** Rows of channels, one a place: [N, C, H, W] to [N·H·W, C], in whatever element type the tensor has. */
export function placesAsRows(graph: OnnxGraph, tensor: string, channels: number, name: string): string {
  const last = graph.add("Transpose", [tensor], { perm: attr.ints([0, 2, 3, 1]) }, `${name}/channels_last`);
  const shape = graph.addInitializer(`${name}/rows_shape`, int64([2], [-1, channels]));
  return graph.add("Reshape", [last, shape], {}, `${name}/rows`);
}

/** The way back, [N·H·W, C] to [N, C, H, W]. The transposes cancel against those of the runtime and of the decoding. */
export function rowsAsPlaces(
  graph: OnnxGraph,
  rows: string,
  [channels, height, width]: readonly [channels: number, height: number, width: number],
  name: string,
  output: string,
): void {
  const shape = graph.addInitializer(`${name}/places_shape`, int64([4], [-1, height, width, channels]));
  const places = graph.add("Reshape", [rows, shape], {}, `${name}/places`);
  graph.addNode({
    op: "Transpose",
    inputs: [places],
    outputs: [output],
    name: `${name}/channels_first`,
    attributes: { perm: attr.ints([0, 3, 1, 2]) },
  });
}
