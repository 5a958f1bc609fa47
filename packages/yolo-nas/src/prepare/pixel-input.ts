/** The start of a prepared graph: planar bytes as ffmpeg sends them; padding and scaling are part of the graph. */
import { PAD_VALUE, type Size } from "../detection/letterbox.ts";
import { ModelFileError } from "../errors.ts";
import {
  attr,
  elementTypeCode,
  float32,
  type GraphNode,
  int64,
  type OnnxGraph,
  toFloat32,
  uint8,
} from "../onnx/index.ts";
import { PREPARED_FRAMES } from "./prepared-form.ts";

/** The value that the first convolution reads: pixels in 0…1, planes G, B, R. */
export const PIXELS = "frames.scaled";

/** Planes as ffmpeg's gbrp lays them out, as indices into the network's own channel order. */
const PLANES = { rgb: [1, 2, 0], bgr: [1, 0, 2] } as const;

/**
 * Make the first convolution read gbrp planes, by reordering its weights' input channels once.
 * @throws ModelFileError when the weights are not a constant over three channels
 */
export function permuteInputChannels(graph: OnnxGraph, convolution: GraphNode, order: "rgb" | "bgr"): void {
  const weight = graph.constantOf(convolution.inputs[1]!);
  if (weight?.dims[1] !== 3) {
    throw new ModelFileError(
      `The first convolution, "${convolution.name}", has no constant weights over 3 channels.`,
    );
  }
  const [out, , height, width] = weight.dims as [number, number, number, number];
  const area = height * width;
  const source = toFloat32(weight);
  const target = new Float32Array(source.length);
  for (let o = 0; o < out; o++) {
    for (const [plane, channel] of PLANES[order].entries()) {
      const from = (o * 3 + channel) * area;
      target.set(source.subarray(from, from + area), (o * 3 + plane) * area);
    }
  }
  const name = graph.addInitializer(
    graph.uniqueName(`${convolution.name}.gbr_weight`),
    float32(weight.dims, target),
  );
  convolution.inputs = [convolution.inputs[0]!, name, ...convolution.inputs.slice(2)];
}

/** Set the graph's input `frames` and append the steps from it to {@link PIXELS}: padding of bytes, Cast, Mul. */
export function appendPixels(graph: OnnxGraph, frame: Size, input: Size): void {
  graph.inputs = [{ name: PREPARED_FRAMES, type: "uint8", shape: ["N", 3, frame.height, frame.width] }];
  let bytes = PREPARED_FRAMES;
  if (frame.width !== input.width || frame.height !== input.height) {
    const left = Math.floor((input.width - frame.width) / 2);
    const top = Math.floor((input.height - frame.height) / 2);
    const right = input.width - frame.width - left;
    const bottom = input.height - frame.height - top;
    const pads = graph.addInitializer("frames.pads", int64([8], [0, 0, top, left, 0, 0, bottom, right]));
    const value = graph.addInitializer("frames.pad_value", uint8([], [PAD_VALUE]));
    bytes = graph.add("Pad", [bytes, pads, value], { mode: attr.string("constant") }, "frames.padded");
  }
  const float = graph.add("Cast", [bytes], { to: attr.int(elementTypeCode("float32")) }, "frames.float");
  const factor = graph.addInitializer("frames.factor", float32([], [1 / 255]));
  graph.add("Mul", [float, factor], {}, PIXELS);
}
