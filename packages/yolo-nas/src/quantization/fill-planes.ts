import { attr, int64, type OnnxGraph, toFloat32 } from "../onnx/index.ts";
import type { QuantizableLayer } from "./quantization-plan.ts";

/**
 * ONNX Runtime's direct integer convolutions read input channels in fours. Any other number of them makes it copy every
 * patch first, which takes as long again as all else that the first convolution does with three planes of pixels.
 */
const CHANNELS_AT_ONCE = 4;

/**
 * A layer that reads pixels, with weights of zero for the planes that {@link addPlanes} adds; any other layer as it is, and so is
 * one that was filled before. What it computes stays the same, exactly.
 * @param pixels the tensor of scaled pixels
 */
export function fillPlanes(layer: QuantizableLayer, pixels: string | undefined): QuantizableLayer {
  const { dims } = layer.weight;
  const group = layer.node.attributes.get("group");
  const plain = layer.node.op === "Conv" && (group?.kind !== "int" || group.value === 1);
  if (layer.input !== pixels || !plain || dims.length !== 4) return layer;
  const [outputs, planes, height, width] = dims as [number, number, number, number];
  const all = CHANNELS_AT_ONCE * Math.ceil(planes / CHANNELS_AT_ONCE);
  if (all === planes) return layer;
  const taps = height * width;
  const source = toFloat32(layer.weight);
  const data = new Float32Array(outputs * all * taps);
  for (let o = 0; o < outputs; o++)
    data.set(source.subarray(o * planes * taps, (o + 1) * planes * taps), o * all * taps);
  return { ...layer, weight: { type: "float32", dims: [outputs, all, height, width], data } };
}

/** Put `count` planes of zeros behind those of an 8-bit picture [N, C, H, W]. @returns the new picture's name */
export function addPlanes(graph: OnnxGraph, picture: string, count: number, name: string): string {
  const pads = graph.addInitializer(`${name}/pads`, int64([8], [0, 0, 0, 0, 0, count, 0, 0]));
  return graph.add("Pad", [picture, pads], { mode: attr.string("constant") }, name);
}
