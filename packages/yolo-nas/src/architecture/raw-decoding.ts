/** The end of super-gradients' own export: all anchors decoded, boxes [N, A, 4] and scores [N, A, C]. */
import { attr, float32, int64, type OnnxGraph } from "../onnx/index.ts";

/** One head's undecoded values in a graph, with its grid. */
export interface HeadOutputs {
  readonly stride: number;
  readonly height: number;
  readonly width: number;
  /** [N, C, height, width] */
  readonly classes: string;
  /** [N, 4·(regMax+1), height, width] */
  readonly distances: string;
}

/** Grid points (x, y in cells, at cell centres) and strides of all anchors, rows outer, heads in order. */
export function anchorGrid(heads: readonly Pick<HeadOutputs, "stride" | "height" | "width">[]): {
  points: Float32Array;
  strides: Float32Array;
} {
  const count = heads.reduce((sum, head) => sum + head.height * head.width, 0);
  const points = new Float32Array(2 * count);
  const strides = new Float32Array(count);
  let i = 0;
  for (const { stride, height, width } of heads) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++, i++) {
        points[2 * i] = column + 0.5;
        points[2 * i + 1] = row + 0.5;
        strides[i] = stride;
      }
    }
  }
  return { points, strides };
}

/**
 * Append decoding of all anchors and set the graph's outputs `boxes` [N, A, 4] (x1, y1, x2, y2 in input pixels,
 * not clipped) and `scores` [N, A, C]. Source: super-gradients dfl_heads.py and batch_distance2bbox.
 */
export function appendRawDecoding(
  graph: OnnxGraph,
  heads: readonly HeadOutputs[],
  classCount: number,
  regMax: number,
): void {
  const { points, strides } = anchorGrid(heads);
  const count = strides.length;
  const flat = (value: string, shape: number[], suffix: string) =>
    graph.add(
      "Reshape",
      [value, graph.addInitializer(`${value}.${suffix}.shape`, int64([shape.length], shape))],
      {},
      `${value}.${suffix}`,
    );

  const logits = heads.map((head) => flat(head.classes, [0, classCount, head.height * head.width], "flat"));
  const joined = graph.add("Concat", logits, { axis: attr.int(2) }, "decode.logits");
  const perAnchor = graph.add(
    "Transpose",
    [joined],
    { perm: attr.ints([0, 2, 1]) },
    "decode.logits_by_anchor",
  );
  graph.addNode({ op: "Sigmoid", inputs: [perAnchor], outputs: ["scores"], name: "decode.scores" });

  const bins = heads.map((head) =>
    flat(head.distances, [0, 4, regMax + 1, head.height * head.width], "bins"),
  );
  const allBins = graph.add("Concat", bins, { axis: attr.int(3) }, "decode.bins");
  const byAnchor = graph.add(
    "Transpose",
    [allBins],
    { perm: attr.ints([0, 3, 1, 2]) },
    "decode.bins_by_anchor",
  );
  const probabilities = graph.add("Softmax", [byAnchor], { axis: attr.int(3) }, "decode.probabilities");
  const distances = appendExpectation(graph, probabilities, regMax);
  graph.addInitializer("decode.points", float32([1, count, 2], points));
  graph.addInitializer("decode.strides", float32([1, count, 1], strides));
  appendBoxes(graph, distances, "decode.points", "decode.strides", "boxes");
  graph.outputs = [
    { name: "boxes", type: "float32", shape: ["N", count, 4] },
    { name: "scores", type: "float32", shape: ["N", count, classCount] },
  ];
}

/** Expected distance of each side, [.., 4] in cells, from probabilities [.., 4, regMax+1]. */
export function appendExpectation(graph: OnnxGraph, probabilities: string, regMax: number): string {
  const values = Float32Array.from({ length: regMax + 1 }, (_, bin) => bin);
  const projection = graph.addInitializer("decode.projection", float32([regMax + 1], values));
  // Multiply and sum, as the reference does: in ONNX Runtime a MatMul by a vector takes several times as long.
  const weighted = graph.add("Mul", [probabilities, projection], {}, "decode.weighted");
  const axis = graph.addInitializer("decode.bin_axis", int64([1], [3]));
  return graph.add("ReduceSum", [weighted, axis], { keepdims: attr.int(0) }, "decode.distances");
}

/** Boxes in pixels from distances [N, A, 4] (left, top, right, bottom, in cells), points [.., A, 2], strides [.., A, 1]. */
export function appendBoxes(
  graph: OnnxGraph,
  distances: string,
  points: string,
  strides: string,
  output: string,
): void {
  const sides = graph.addInitializer("decode.side_counts", int64([2], [2, 2]));
  graph.addNode({
    op: "Split",
    inputs: [distances, sides],
    outputs: ["decode.left_top", "decode.right_bottom"],
    name: "decode.sides",
    attributes: { axis: attr.int(2) },
  });
  const start = graph.add("Sub", [points, "decode.left_top"], {}, "decode.start");
  const end = graph.add("Add", [points, "decode.right_bottom"], {}, "decode.end");
  const cells = graph.add("Concat", [start, end], { axis: attr.int(2) }, "decode.cells");
  graph.addNode({ op: "Mul", inputs: [cells, strides], outputs: [output], name: "decode.boxes" });
}
