/** The output of YOLOv8, v9, 11, 12 and, without its selection, 26: one anchor a cell; a box and classes. */
import { anchorGrid } from "../architecture/raw-decoding.ts";
import { type AnchorLevel, anchorLevels, slice, swapLast } from "./append-nodes.ts";
import type { Family, TrialOutput } from "./family.ts";
import { predictsObjectness } from "./yolox.ts";

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
      // The MIT code of YOLOv9, which gives corners, lets a box count for several classes; the others do not.
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
 * Which of both the four numbers are: an anchor's box lies around its cell, so that reading of its centre is right that is
 * nearer to the cell's.
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
