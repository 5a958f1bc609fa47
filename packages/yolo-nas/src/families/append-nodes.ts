/** Small parts of graphs that are used to decode several families. */

import type { Size } from "../detection/letterbox.ts";
import { attr, elementTypeCode, float32, int64, type OnnxGraph } from "../onnx/index.ts";

function ints(graph: OnnxGraph, values: readonly number[]): string {
  return graph.addInitializer(graph.uniqueName("import.ints"), int64([values.length], values));
}

export function floats(graph: OnnxGraph, dims: readonly number[], values: ArrayLike<number>): string {
  return graph.addInitializer(graph.uniqueName("import.floats"), float32(dims, values));
}

/** Entries `from` up to, without, `to` on one axis. */
export function slice(graph: OnnxGraph, value: string, axis: number, from: number, to: number): string {
  return graph.add("Slice", [value, ints(graph, [from]), ints(graph, [to]), ints(graph, [axis])]);
}

/** Chosen entries of the last of three axes. */
export function columns(graph: OnnxGraph, value: string, chosen: readonly number[]): string {
  return graph.add("Gather", [value, ints(graph, chosen)], { axis: attr.int(2) });
}

/** [N, C, A] as [N, A, C]. */
export function swapLast(graph: OnnxGraph, value: string): string {
  return graph.add("Transpose", [value], { perm: attr.ints([0, 2, 1]) });
}

export function unsqueeze(graph: OnnxGraph, value: string, axis: number): string {
  return graph.add("Unsqueeze", [value, ints(graph, [axis])]);
}

export function toFloat(graph: OnnxGraph, value: string): string {
  return graph.add("Cast", [value], { to: attr.int(elementTypeCode("float32")) });
}

/** Scores [N, A, C] of candidates that name one class each: `score` and the class's number, [N, A, 1] both. */
export function oneHot(graph: OnnxGraph, score: string, classNumber: string, classCount: number): string {
  const numbers = floats(
    graph,
    [1, 1, classCount],
    Array.from({ length: classCount }, (_, i) => i),
  );
  const isClass = graph.add("Equal", [toFloat(graph, classNumber), numbers]);
  return graph.add("Mul", [toFloat(graph, isClass), score]);
}

/** Corners in pixels from boxes of another form; `scale` is the factor for values given as parts of the input's sides. */
export function toCorners(
  graph: OnnxGraph,
  boxes: string,
  format: "corners" | "centre",
  scale: { readonly width: number; readonly height: number } | undefined,
): string {
  let corners = boxes;
  if (format === "centre") {
    const half = graph.add("Mul", [slice(graph, boxes, 2, 2, 4), floats(graph, [], [0.5])]);
    const centre = slice(graph, boxes, 2, 0, 2);
    const ends = [graph.add("Sub", [centre, half]), graph.add("Add", [centre, half])];
    corners = graph.add("Concat", ends, { axis: attr.int(2) });
  }
  if (!scale) return corners;
  const { width, height } = scale;
  return graph.add("Mul", [corners, floats(graph, [4], [width, height, width, height])]);
}

/** The best candidates by their highest class score, best first: boxes [N, K, 4] and scores [N, K, C]. */
export function selectBest(
  graph: OnnxGraph,
  { boxes, scores }: { readonly boxes: string; readonly scores: string },
  count: number,
  bestClassOnly: boolean,
): { boxes: string; scores: string } {
  const keepdims = attr.int(0);
  const rank =
    graph.opsets.get("")! < 18
      ? graph.add("ReduceMax", [scores], { axes: attr.ints([2]), keepdims })
      : graph.add("ReduceMax", [scores, ints(graph, [2])], { keepdims });
  const { outputs } = graph.addNode({
    op: "TopK",
    inputs: [rank, ints(graph, [count])],
    outputs: [graph.uniqueName("candidates.best"), graph.uniqueName("candidates.index")],
    attributes: { axis: attr.int(1) },
  });
  const [best, index] = outputs as [string, string];
  const column = unsqueeze(graph, index, 2);
  const chosen = (value: string) => graph.add("GatherND", [value, column], { batch_dims: attr.int(1) });
  const all = chosen(scores);
  if (!bestClassOnly) return { boxes: chosen(boxes), scores: all };
  const isBest = graph.add("Equal", [all, unsqueeze(graph, best, 2)]);
  return { boxes: chosen(boxes), scores: graph.add("Mul", [all, toFloat(graph, isBest)]) };
}

/** The grids of cells in which a convolutional detector predicts. */

export interface AnchorLevel extends Size {
  readonly stride: number;
}

const STRIDES = [
  [8, 16, 32],
  [8, 16, 32, 64],
  [4, 8, 16, 32],
];

/** The grids, by rising stride, whose cells with `perCell` anchors each give `count` anchors in total; undefined if no grids fit. */
export function anchorLevels(size: Size, count: number, perCell: number): AnchorLevel[] | undefined {
  for (const strides of STRIDES) {
    const levels = strides.map((stride) => ({
      stride,
      width: Math.ceil(size.width / stride),
      height: Math.ceil(size.height / stride),
    }));
    const cells = levels.reduce((sum, { width, height }) => sum + width * height, 0);
    if (cells * perCell === count) return levels;
  }
  return undefined;
}
