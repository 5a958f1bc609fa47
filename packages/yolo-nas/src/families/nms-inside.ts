/** Exports that choose by themselves: YOLOv10 and 26, and others with NMS inside. Rows of box, score and class's number. */
import { anchorLevels, oneHot, slice } from "./append-nodes.ts";
import type { Family } from "./family.ts";

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
