/** The YOLO families except YOLO-NAS: anchors in a grid, distinguished by the anchors per cell and the contents of each. */
import { anchorGrid } from "../architecture/raw-decoding.ts";
import { predictionLayers } from "../inspect/find-heads.ts";
import { attr, type OnnxGraph, toNumbers } from "../onnx/index.ts";
import { type AnchorLevel, anchorLevels, floats, oneHot, slice, swapLast } from "./append-nodes.ts";
import type { Family, TrialOutput } from "./family.ts";

/** YOLOX (Apache-2.0, Megvii): one anchor per cell; centre and size, objectness, classes. */
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

/** Whether a predicting layer has one channel; a layer with fixed weights that averages bins does not count. */
function predictsObjectness(graph: OnnxGraph, output: string): boolean {
  const { plain } = predictionLayers(graph, output);
  return plain.some((node) => {
    const weight = graph.constantOf(node.inputs[1] ?? "");
    return weight?.dims[0] === 1 && !toNumbers(weight).every((value, bin) => value === bin);
  });
}

/** Whether sizes are decoded already: then their exponential comes after the last convolutions. */
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

/** Centres are in cells from the cell's corner, sizes are logarithms of cells. */
function decode(graph: OnnxGraph, raw: string, levels: readonly AnchorLevel[]): string {
  const { points, strides } = anchorGrid(levels);
  const count = strides.length;
  const corners = points.map((value) => value - 0.5);
  const centre = graph.add("Add", [slice(graph, raw, 2, 0, 2), floats(graph, [1, count, 2], corners)]);
  const size = graph.add("Exp", [slice(graph, raw, 2, 2, 4)]);
  const cells = graph.add("Concat", [centre, size], { axis: attr.int(2) });
  return graph.add("Mul", [cells, floats(graph, [1, count, 1], strides)]);
}

/** The output of YOLOv5 and YOLOv7: three anchors per cell; centre and size, objectness, classes. */
export const yolov5: Family = {
  name: "yolov5",
  title: "YOLOv5 or YOLOv7",
  expects: "one output [B, A, 5 + classes], three anchors a cell",
  preprocessing: { placement: "centre", channelOrder: "rgb", range: "unit" },
  score: 0.25,
  recognise({ size, outputs }) {
    // Exports may also return the undecoded tensors of the levels, which have five dimensions.
    const flat = outputs.filter(({ dims }) => dims.length === 3);
    const [output] = flat;
    const [, count, width] = output?.dims ?? [];
    if (!output || flat.length > 1 || !(width! > 5) || !anchorLevels(size, count!, 3)) return undefined;
    if (outputs.some(({ dims }) => dims.length !== 3 && dims.length !== 5)) return undefined;
    return {
      layout: `one output [B, ${count}, ${width}]: boxes, objectness, classes`,
      classCount: width! - 5,
      candidateCount: count!,
      boxFormat: "centre",
      boxUnit: "pixels",
      bestClassOnly: true,
      iou: 0.45,
      append(graph) {
        const objectness = slice(graph, output.name, 2, 4, 5);
        const scores = graph.add("Mul", [slice(graph, output.name, 2, 5, width!), objectness]);
        return { boxes: slice(graph, output.name, 2, 0, 4), scores };
      },
    };
  },
};

/** The output of YOLOv8, v9, 11, 12 and 26 without its selection: one anchor per cell; a box and classes. */
export const yolov8: Family = {
  name: "yolov8",
  title: "YOLOv8, v9, 11, 12 or 26",
  expects: "one output [B, 4 + classes, A] (or its last two dimensions swapped), an anchor a cell",
  preprocessing: { placement: "centre", channelOrder: "rgb", range: "unit" },
  score: 0.25,
  recognise({ graph, size, outputs }) {
    const flat = outputs.filter(({ dims }) => dims.length === 3);
    const [output] = flat;
    if (!output || flat.length > 1) return undefined;
    const [, first, second] = output.dims as [number, number, number];
    const channelsFirst = anchorLevels(size, second, 1);
    const levels = channelsFirst ?? anchorLevels(size, first, 1);
    const [width, count] = channelsFirst ? [first, second] : [second, first];
    if (!levels || width < 5 || (!channelsFirst && predictsObjectness(graph, output.name))) return undefined;
    const at = (anchor: number, channel: number) =>
      output.values[channelsFirst ? channel * count + anchor : anchor * width + channel]!;
    const corners = givesCorners(at, levels);
    return {
      layout: `one output ${shape(output)}: boxes as ${corners ? "corners" : "centre and size"}, classes`,
      classCount: width - 4,
      candidateCount: count,
      boxFormat: corners ? "corners" : "centre",
      boxUnit: "pixels",
      // YOLOv9's MIT code, which returns corners, lets a box count for several classes; the others do not.
      bestClassOnly: !corners,
      iou: corners ? 0.45 : 0.7,
      append(target) {
        const anchors = channelsFirst ? swapLast(target, output.name) : output.name;
        return { boxes: slice(target, anchors, 2, 0, 4), scores: slice(target, anchors, 2, 4, width) };
      },
    };
  },
};

function shape({ dims }: TrialOutput): string {
  return `[B, ${dims.slice(1).join(", ")}]`;
}

/**
 * Decides whether the four numbers are corners or centre and size: an anchor's box lies around its cell, so the interpretation whose
 * centre is nearer to the cell's is right.
 */
function givesCorners(
  at: (anchor: number, channel: number) => number,
  levels: readonly AnchorLevel[],
): boolean {
  const { points, strides } = anchorGrid(levels);
  let [asCorners, asCentre] = [0, 0];
  for (const [anchor, stride] of strides.entries()) {
    for (const axis of [0, 1]) {
      const cell = points[2 * anchor + axis]! * stride;
      const [low, high] = [at(anchor, axis), at(anchor, axis + 2)];
      asCorners += Math.abs((low + high) / 2 - cell);
      asCentre += Math.abs(low - cell);
    }
  }
  return asCorners < asCentre;
}

/** Exports with a selection inside: YOLOv10 and 26, and others with NMS. Each row has a box, a score and a class number. */
export const nmsInside: Family = {
  name: "yolo-nms-inside",
  title: "YOLO with its choice of boxes inside (v10, 26, or NMS in the graph)",
  expects: "one output [B, M, 6]: x1, y1, x2, y2, score, class's number",
  preprocessing: { placement: "centre", channelOrder: "rgb", range: "unit" },
  score: 0.25,
  recognise({ size, outputs }) {
    const [output, ...others] = outputs;
    const [, count, width] = output?.dims ?? [];
    if (!output || others.length > 0 || output.dims.length !== 3 || width !== 6) return undefined;
    if ([1, 3].some((perCell) => anchorLevels(size, count!, perCell))) return undefined;
    for (let row = 0; row < output.values.length; row += 6) {
      const [score, number] = [output.values[row + 4]!, output.values[row + 5]!];
      if (!(score >= 0 && score <= 1) || !Number.isInteger(number)) return undefined;
    }
    return {
      layout: `one output [B, ${count}, 6]: boxes as corners, score, class's number`,
      classCount: undefined,
      candidateCount: count!,
      boxFormat: "corners",
      boxUnit: "pixels",
      bestClassOnly: false,
      iou: 1,
      append(graph, classCount) {
        const column = (at: number) => slice(graph, output.name, 2, at, at + 1);
        return {
          boxes: slice(graph, output.name, 2, 0, 4),
          scores: oneHot(graph, column(4), column(5), classCount),
        };
      },
    };
  },
};
