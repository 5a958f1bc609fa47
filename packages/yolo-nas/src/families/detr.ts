/** Detectors with queries: RT-DETR, D-FINE, DEIM and RF-DETR. Their outputs have the same form; their preprocessing differs. */
import type { OnnxGraph } from "../onnx/index.ts";
import { oneHot, slice, unsqueeze } from "./append-nodes.ts";
import type { Family, Preprocessing, Recognised, Trial, TrialOutput } from "./family.ts";

const stretched: Preprocessing = { placement: "stretch", channelOrder: "rgb", range: "unit" };
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

const outputsInWords =
  "boxes [B, Q, 4] in 0…1 and classes [B, Q, C]; or one [B, Q, 4 + C]; or labels [B, Q], boxes [B, Q, 4], scores [B, Q] with an input [B, 2] for the size";

/** A ViT's first layer makes patches: its kernel is as large as its stride. */
export const rfDetr: Family = {
  name: "rf-detr",
  title: "RF-DETR",
  expects: `${outputsInWords}; the first layer cuts the picture into patches`,
  preprocessing: { ...stretched, ...imagenet },
  score: 0.5,
  recognise: (trial) => (readsPatches(trial) ? recogniseQueries(trial) : undefined),
};

/** Distances are distributions over 33 bins, for 4 sides. */
export const dFine: Family = {
  name: "d-fine",
  title: "D-FINE or DEIM",
  expects: `${outputsInWords}; box layers of 4·33 bins`,
  preprocessing: stretched,
  score: 0.5,
  recognise: (trial) => (predictsBins(trial.graph) ? recogniseQueries(trial) : undefined),
};

export const rtDetr: Family = {
  name: "rt-detr",
  title: "RT-DETR",
  expects: outputsInWords,
  preprocessing: stretched,
  score: 0.5,
  recognise: recogniseQueries,
};

const queries = {
  bestClassOnly: false,
  // The queries were trained to avoid duplicates.
  iou: 1,
} as const;

function recogniseQueries({ outputs, sizeInput }: Trial): Recognised | undefined {
  if (sizeInput !== undefined) return deployed(outputs);
  if (outputs.length === 1) return joined(outputs[0]!);
  const [boxes, ...more] = outputs.filter((output) => hasRank(output, 3) && areBoxes(output));
  const classes = outputs.filter(
    (output) => output !== boxes && hasRank(output, 3) && output.dims[1] === boxes?.dims[1],
  );
  // With a second tensor of boxes it would be unclear which one is meant.
  if (!boxes || more.length > 0 || classes.length !== 1) return undefined;
  const [scores] = classes as [TrialOutput];
  const [, count, classCount] = scores.dims as [number, number, number];
  const probabilities = areParts(scores);
  return {
    ...queries,
    layout: `${count} queries: boxes and ${probabilities ? "probabilities" : "logits"} of ${classCount} classes`,
    classCount,
    candidateCount: count,
    boxFormat: "centre",
    boxUnit: "parts",
    append: (graph) => ({
      boxes: boxes.name,
      scores: probabilities ? scores.name : graph.add("Sigmoid", [scores.name]),
    }),
  };
}

/** One output [B, Q, 4 + C] of parts and probabilities. */
function joined(output: TrialOutput): Recognised | undefined {
  const [, count, width] = output.dims;
  if (!hasRank(output, 3) || !(width! > 4) || !areParts(output)) return undefined;
  // All-zero rows come from a selection in the graph that found nothing.
  if (Array.from(output.values).every((value) => value === 0)) return undefined;
  return {
    ...queries,
    layout: `${count} queries: one output of boxes and probabilities of ${width! - 4} classes`,
    classCount: width! - 4,
    candidateCount: count!,
    boxFormat: "centre",
    boxUnit: "parts",
    append: (graph) => ({
      boxes: slice(graph, output.name, 2, 0, 4),
      scores: slice(graph, output.name, 2, 4, width!),
    }),
  };
}

/** The graph already selects: labels, boxes in pixels of the given size, scores. */
function deployed(outputs: readonly TrialOutput[]): Recognised | undefined {
  const boxes = outputs.find((output) => hasRank(output, 3) && output.dims[2] === 4);
  const flat = outputs.filter((output) => hasRank(output, 2) && output.dims[1] === boxes?.dims[1]);
  const labels = flat.find(({ values }) => Array.from(values).every(Number.isInteger));
  const scores = flat.find((output) => output !== labels && areParts(output));
  if (!boxes || !labels || !scores || outputs.length !== 3) return undefined;
  return {
    ...queries,
    layout: `${boxes.dims[1]} queries, chosen in the graph: labels, boxes, scores`,
    classCount: undefined,
    candidateCount: boxes.dims[1]!,
    boxFormat: "corners",
    boxUnit: "pixels",
    append: (graph, classCount) => ({
      boxes: boxes.name,
      scores: oneHot(graph, unsqueeze(graph, scores.name, 2), unsqueeze(graph, labels.name, 2), classCount),
    }),
  };
}

function hasRank({ dims }: TrialOutput, rank: number): boolean {
  return dims.length === rank;
}

/** Whether centres lie near the picture and sizes are not negative, unlike logits; boxes may extend beyond the picture. */
function areBoxes({ dims, values }: TrialOutput): boolean {
  return (
    dims[2] === 4 && Array.from(values).every((value, i) => Math.abs(value) < 10 && (i % 4 < 2 || value >= 0))
  );
}

/** Whether all values are in 0…1, with a small tolerance. */
function areParts({ values }: TrialOutput): boolean {
  return Array.from(values).every((value) => value >= -1e-3 && value <= 1.001);
}

function readsPatches({ graph }: Trial): boolean {
  const first = graph.nodes.find(
    ({ op, inputs }) => op === "Conv" && graph.constantOf(inputs[1] ?? "")?.dims[1] === 3,
  );
  const sides = (name: string) => {
    const attribute = first?.attributes.get(name);
    return attribute?.kind === "ints" ? attribute.value : [];
  };
  const [kernel = 0] = sides("kernel_shape");
  return kernel >= 8 && String(sides("kernel_shape")) === String(sides("strides"));
}

function predictsBins(graph: OnnxGraph): boolean {
  const bins = 33;
  return graph.nodes.some(({ op, inputs }) => {
    if (op !== "MatMul" && op !== "Gemm") return false;
    return graph.constantOf(inputs[1] ?? "")?.dims.includes(4 * bins);
  });
}
