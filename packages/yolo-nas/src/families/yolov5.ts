/** The output of YOLOv5 and YOLOv7: three anchors a cell; centre and size, objectness, classes. */
import { anchorLevels, slice } from "./append-nodes.ts";
import type { Family } from "./family.ts";

export const yolov5: Family = {
  name: "yolov5",
  title: "YOLOv5 or YOLOv7",
  expects: "one output [B, A, 5 + classes], three anchors a cell",
  preprocessing: { placement: "centre", channelOrder: "rgb", range: "unit" },
  score: 0.25,
  recognise({ size, outputs }) {
    // Exports may give the levels' undecoded tensors too, of five dimensions.
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
