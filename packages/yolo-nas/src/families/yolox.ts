/** YOLOX (Apache-2.0, Megvii): one anchor a cell; centre and size, objectness, classes. */
import { anchorGrid } from "../architecture/raw-decoding.ts";
import { predictionLayers } from "../inspect/find-heads.ts";
import { attr, type OnnxGraph, toNumbers } from "../onnx/index.ts";
import { type AnchorLevel, anchorLevels, floats, slice } from "./append-nodes.ts";
import type { Family } from "./family.ts";

export const yolox: Family = {
  name: "yolox",
  title: "YOLOX",
  expects:
    "one output [B, A, 5 + classes], an anchor a cell, from three convolutions a level: box, objectness of 1 channel, classes",
  preprocessing: { placement: "corner", channelOrder: "bgr", range: "bytes" },
  score: 0.25,
  recognise({ graph, size, outputs }) {
    const [output, ...others] = outputs;
    const [, count, width] = output?.dims ?? [];
    if (!output || others.length > 0 || output.dims.length !== 3 || !(width! > 5)) return undefined;
    const levels = anchorLevels(size, count!, 1);
    if (!levels || !predictsObjectness(graph, output.name)) return undefined;
    const decoded = isDecoded(graph, output.name);
    return {
      layout: `one output [B, ${count}, ${width}]: boxes (${decoded ? "decoded" : "not decoded"}), objectness, classes`,
      classCount: width! - 5,
      candidateCount: count!,
      boxFormat: "centre",
      boxUnit: "pixels",
      bestClassOnly: true,
      iou: 0.45,
      append(target) {
        const raw = slice(target, output.name, 2, 0, 4);
        const objectness = slice(target, output.name, 2, 4, 5);
        const scores = target.add("Mul", [slice(target, output.name, 2, 5, width!), objectness]);
        return { boxes: decoded ? raw : decode(target, raw, levels), scores };
      },
    };
  },
};

/** Whether some layer that predicts has one channel; a layer of fixed weights that takes the mean of bins is none. */
export function predictsObjectness(graph: OnnxGraph, output: string): boolean {
  const { plain } = predictionLayers(graph, output);
  return plain.some((node) => {
    const weight = graph.constantOf(node.inputs[1] ?? "");
    return weight?.dims[0] === 1 && !toNumbers(weight).every((value, bin) => value === bin);
  });
}

/** The exponential of a decoded size stands behind the last convolutions. */
function isDecoded(graph: OnnxGraph, output: string): boolean {
  const pending = [output];
  const seen = new Set<string>();
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const node = graph.producerOf(name);
    if (!node || seen.has(name) || node.op === "Conv") continue;
    seen.add(name);
    if (node.op === "Exp") return true;
    pending.push(...node.inputs);
  }
  return false;
}

/** Centres are cells from the cell's corner, sizes the logarithm of cells. */
function decode(graph: OnnxGraph, raw: string, levels: readonly AnchorLevel[]): string {
  const { points, strides } = anchorGrid(levels);
  const count = strides.length;
  const corners = points.map((value) => value - 0.5);
  const centre = graph.add("Add", [slice(graph, raw, 2, 0, 2), floats(graph, [1, count, 2], corners)]);
  const size = graph.add("Exp", [slice(graph, raw, 2, 2, 4)]);
  const cells = graph.add("Concat", [centre, size], { axis: attr.int(2) });
  return graph.add("Mul", [cells, floats(graph, [1, count, 1], strides)]);
}
