/** The end of a prepared graph: select the best anchors by class score first, then decode only those. */
import {
  anchorGrid,
  appendBoxes,
  appendExpectation,
  type HeadOutputs,
} from "../architecture/raw-decoding.ts";
import { attr, float32, int64, type OnnxGraph } from "../onnx/index.ts";
import { PREPARED_BOXES, PREPARED_SCORES } from "./prepared-form.ts";

/**
 * Append top-k selection and decoding, and set the graph's outputs: boxes [N, K, 4], scores [N, K, C], best first.
 * An anchor's rank is that of its highest class logit, and the sigmoid keeps order, so with K at least NMS's own top-k
 * nothing that NMS would have seen is lost.
 * @returns K, at most the number of anchors
 */
export function appendCandidateDecoding(
  graph: OnnxGraph,
  heads: readonly HeadOutputs[],
  classCount: number,
  regMax: number,
  topK: number,
): number {
  const { points, strides } = anchorGrid(heads);
  const count = strides.length;
  const candidates = Math.min(topK, count);
  const constant = (name: string, values: number[]) =>
    graph.addInitializer(`candidates.${name}`, int64([values.length], values));
  // Channels last, head by head: ONNX Runtime keeps 8-bit convolutions channels-last, and its transpose and this cancel.
  const joined = (kind: "classes" | "distances", channels: number) => {
    const flat = heads.map((head) => {
      const name = `candidates.${kind}.stride_${head.stride}`;
      const last = graph.add(
        "Transpose",
        [head[kind]],
        { perm: attr.ints([0, 2, 3, 1]) },
        `${name}.channels_last`,
      );
      const shape = constant(`${kind}.shape_${head.stride}`, [0, head.height * head.width, channels]);
      return graph.add("Reshape", [last, shape], {}, name);
    });
    return graph.add("Concat", flat, { axis: attr.int(1) }, `candidates.${kind}`);
  };

  const classes = joined("classes", classCount);
  const rank = graph.add(
    "ReduceMax",
    [classes],
    { axes: attr.ints([2]), keepdims: attr.int(0) },
    "candidates.rank",
  );
  graph.addNode({
    op: "TopK",
    inputs: [rank, constant("count", [candidates])],
    outputs: ["candidates.best", "candidates.anchor"],
    name: "candidates.topk",
    attributes: { axis: attr.int(1) },
  });
  const gather = graph.add(
    "Unsqueeze",
    ["candidates.anchor", constant("last_axis", [2])],
    {},
    "candidates.anchor_column",
  );
  const chosen = (value: string, name: string) =>
    graph.add("GatherND", [value, gather], { batch_dims: attr.int(1) }, `candidates.${name}`);
  const logits = chosen(classes, "logits");
  graph.addNode({ op: "Sigmoid", inputs: [logits], outputs: [PREPARED_SCORES], name: "candidates.scores" });

  const distances = chosen(joined("distances", 4 * (regMax + 1)), "distance_logits");
  const shape = constant("bins_shape", [0, candidates, 4, regMax + 1]);
  const bins = graph.add("Reshape", [distances, shape], {}, "candidates.bins");
  const probabilities = graph.add("Softmax", [bins], { axis: attr.int(3) }, "candidates.probabilities");
  const expected = appendExpectation(graph, probabilities, regMax);
  graph.addInitializer("candidates.points", float32([count, 2], points));
  graph.addInitializer("candidates.strides", float32([count, 1], strides));
  const of = (table: string, name: string) =>
    graph.add("Gather", [table, "candidates.anchor"], { axis: attr.int(0) }, `candidates.${name}`);
  appendBoxes(
    graph,
    expected,
    of("candidates.points", "point"),
    of("candidates.strides", "stride"),
    PREPARED_BOXES,
  );
  graph.outputs = [
    { name: PREPARED_BOXES, type: "float32", shape: ["N", candidates, 4] },
    { name: PREPARED_SCORES, type: "float32", shape: ["N", candidates, classCount] },
  ];
  return candidates;
}
