/** Turns an exported classifier into the form that Sightline runs: frame and boxes in, probabilities out. */
import type { Size } from "../detection/letterbox.ts";
import { InvalidArgumentError, UnknownModelError } from "../errors.ts";
import { slice } from "../families/append-nodes.ts";
import { classColumns, recordedNames } from "../families/class-columns.ts";
import type { Preprocessing, Trial, TrialOutput } from "../families/family.ts";
import { freeBatch } from "../families/free-batch.ts";
import { raiseOpset } from "../families/raise-opset.ts";
import { readPixels } from "../families/read-pixels.ts";
import { tensorList, tryOut } from "../families/trial.ts";
import { attr, encodeModel, int64, type OnnxGraph } from "../onnx/index.ts";
import { foldConstants } from "../prepare/fold-constants.ts";
import { PREPARED_FRAMES } from "../prepare/prepared-form.ts";
import {
  attributeOutput,
  CLASSIFIER_BOXES,
  CLASSIFIER_FRAME,
  type ClassifierAttribute,
} from "./classifier-form.ts";
import { ClassifierSession } from "./classifier-session.ts";

export const CLASSIFIER = "classifier";

export interface ClassifierImportOptions {
  /** The attribute of each output, or of each part of the only output; the file may name the values. */
  readonly attributes?: readonly { readonly name: string; readonly values?: readonly string[] | undefined }[];
  /** Size of the crops, for an export that accepts any size. */
  readonly input?: Size | undefined;
  readonly preprocessing?: Partial<Omit<Preprocessing, "placement">> | undefined;
}

export interface ImportedClassifier {
  readonly graph: OnnxGraph;
  readonly crop: Size;
  readonly attributes: readonly ClassifierAttribute[];
  /** What was recognised and what is done, one sentence per line. */
  readonly words: readonly string[];
}

/** The usual training of torchvision, timm and transformers classifiers. */
const usual: Omit<Preprocessing, "placement"> = {
  channelOrder: "rgb",
  range: "unit",
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/**
 * Recognise an export by its tensors and by its output for noise: a picture [B, 3, H, W] in, scores [B, C] of one or several outputs out.
 * Cropping and scaling objects, pixel conversion and probabilities become part of the graph. The given graph is not changed.
 * @throws UnknownModelError that lists the tensors seen and those expected
 * @throws InvalidArgumentError for attributes that do not fit these tensors
 *
 * @example
 * ```ts
 * const graph = new OnnxGraph(); // The mean of each channel, as if the channels were classes.
 * graph.inputs = [{ name: "picture", type: "float32", shape: ["B", 3, 8, 8] }];
 * graph.outputs = [{ name: "scores", type: "float32", shape: ["B", 3] }];
 * const attributes = { axes: { kind: "ints", value: [2, 3] }, keepdims: { kind: "int", value: 0 } } as const;
 * graph.addNode({ op: "ReduceMean", inputs: ["picture"], outputs: ["scores"], attributes });
 * const colour = { name: "colour", values: ["red", "green", "blue"] };
 * const { crop } = await importClassifier(graph, { attributes: [colour] });
 * assert.deepEqual(crop, { width: 8, height: 8 });
 * ```
 */
export async function importClassifier(
  source: OnnxGraph,
  options: ClassifierImportOptions = {},
): Promise<ImportedClassifier> {
  const graph = source.clone();
  foldConstants(graph);
  raiseOpset(graph);
  const inputs = tensorList(graph.inputs);
  const trial = await tryOut(graph, options.input);
  const odd = trial.outputs.filter(({ dims }) => dims.length !== 2 || dims[1]! < 2);
  if (odd.length > 0 || trial.sizeInput !== undefined) throw unknown(trial, inputs);
  const { width, height } = trial.size;
  const preprocessing: Preprocessing = { ...usual, ...options.preprocessing, placement: "stretch" };
  const attributes = attributesOf(trial.outputs, options.attributes, recordedNames(source.metadata));
  const isLogit = trial.outputs.map((output) => !isProbability(output));
  const prepared = withProbabilities(trial, attributes);
  const rewritten = cutOut(prepared, trial, preprocessing);
  const free = await freeBatch(rewritten, (candidate, batches) =>
    runBoxes(candidate, attributes, trial.size, batches),
  );
  const isFree = typeof free.inputs[1]!.shape![0] !== "number";
  const { mean, std } = preprocessing;
  return {
    graph: free,
    crop: trial.size,
    attributes,
    words: [
      `This is a classifier: ${attributes.map(({ name, values }) => `${name} (${values.join(", ")})`).join("; ")}.`,
      `Objects are scaled to ${width}x${height}, ${preprocessing.channelOrder.toUpperCase()}, ${preprocessing.range === "unit" ? "0…1" : "0…255"}${
        mean ? ` less the mean ${mean.join(", ")}` : ""
      }${std ? ` by the deviation ${std.join(", ")}` : ""}.`,
      isLogit.every(Boolean)
        ? "Its outputs are logits; softmax is added."
        : isLogit.some(Boolean)
          ? "Some of its outputs are logits; softmax is added to those."
          : "Its outputs are probabilities.",
      isFree
        ? "It takes any number of objects at a time."
        : "It was exported for one picture at a time, so objects are looked at one by one.",
    ],
  };
}

function attributesOf(
  outputs: readonly TrialOutput[],
  given: ClassifierImportOptions["attributes"],
  recorded: readonly string[] | undefined,
): ClassifierAttribute[] {
  const widths = outputs.map(({ dims }) => dims[1]!);
  const total = widths.reduce((sum, width) => sum + width, 0);
  const seen = `the export has ${outputs.map(({ name, dims }) => `${name} [B, ${dims[1]}]`).join(", ")}`;
  if (!given || given.length === 0)
    throw new InvalidArgumentError(
      `Say what it tells with --attribute NAME=value,value…, once for each output or part of it; ${seen}.`,
    );
  const single = given.length === 1 && outputs.length === 1;
  const attributes = given.map(({ name, values }) => {
    if (values) return { name, values };
    if (single && recorded) return { name, values: classColumns(widths[0], recorded).names };
    throw new InvalidArgumentError(
      `The export does not name the values of '${name}': give them, --attribute ${name}=value,value…; ${seen}.`,
    );
  });
  const counts = attributes.map(({ values }) => values.length);
  const fits =
    outputs.length === 1
      ? counts.reduce((sum, count) => sum + count, 0) === total
      : counts.length === widths.length && counts.every((count, i) => count === widths[i]);
  if (fits) return attributes;
  throw new InvalidArgumentError(
    `Attributes were given with ${counts.join(" and ")} values, but ${seen}: ${
      outputs.length === 1 ? "their numbers must add up to its columns" : "one attribute for each output"
    }, in its order.`,
  );
}

/** For noise it is no accident if all rows are between 0 and 1 and add up to 1. */
function isProbability({ values, dims }: TrialOutput): boolean {
  const columns = dims[1]!;
  const all = Array.from({ length: values.length }, (_, i) => values[i]!);
  const rows = Array.from({ length: dims[0]! }, (_, row) => all.slice(row * columns, (row + 1) * columns));
  return rows.every(
    (row) =>
      row.every((value) => value >= 0 && value <= 1) &&
      Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) < 1e-3,
  );
}

/** The graph with one output of probabilities per attribute. */
function withProbabilities({ graph, outputs }: Trial, attributes: readonly ClassifierAttribute[]): OnnxGraph {
  const ends: { value: string; isLogit: boolean }[] = [];
  const [only] = outputs;
  if (outputs.length === 1 && attributes.length > 1) {
    let from = 0;
    for (const { values } of attributes) {
      const to = from + values.length;
      ends.push({ value: slice(graph, only!.name, 1, from, to), isLogit: !areParts(only!, attributes) });
      from = to;
    }
  } else for (const output of outputs) ends.push({ value: output.name, isLogit: !isProbability(output) });
  graph.outputs = [];
  for (const [index, { value, isLogit }] of ends.entries()) {
    const { name, values } = attributes[index]!;
    const end = isLogit
      ? graph.add("Softmax", [value], { axis: attr.int(1) })
      : graph.add("Identity", [value]);
    const output = attributeOutput(name);
    const taken = graph.uniqueName(output);
    if (taken !== output) graph.rename(output, taken);
    graph.rename(end, output);
    graph.outputs.push({ name: output, type: "float32", shape: ["N", values.length] });
  }
  return graph;
}

/** Whether each attribute's part of the only output adds up to 1. */
function areParts({ values, dims }: TrialOutput, attributes: readonly ClassifierAttribute[]): boolean {
  let from = 0;
  return attributes.every(({ values: names }) => {
    const part = Array.from({ length: names.length }, (_, i) => values[from + i]!);
    from += names.length;
    return isProbability({ name: "", dims: [1, names.length], values: part }) && dims[0] === 1;
  });
}

/**
 * Adds nodes before the network that crop each box from the frame and scale it: RoiAlign averages when it shrinks, so JavaScript never
 * touches pixels.
 */
function cutOut(graph: OnnxGraph, { image, size }: Trial, preprocessing: Preprocessing): OnnxGraph {
  const crops = graph.uniqueName("crops");
  // The nodes that read pixels expect bytes; here the pixels are already floats when they are cropped.
  readPixels(graph, image, size, "N", preprocessing);
  for (const node of graph.nodes)
    node.inputs = node.inputs.map((name) => (name === PREPARED_FRAMES ? crops : name));
  const float = graph.add("Cast", [CLASSIFIER_FRAME], { to: attr.int(1) }, graph.uniqueName("frame.float"));
  const shape = graph.add("Shape", [CLASSIFIER_BOXES], {}, graph.uniqueName("boxes.shape"));
  const count = graph.add(
    "Gather",
    [shape, graph.addInitializer(graph.uniqueName("boxes.first"), int64([1], [0]))],
    { axis: attr.int(0) },
    graph.uniqueName("boxes.count"),
  );
  const zeros = graph.add(
    "ConstantOfShape",
    [count],
    { value: attr.tensor(int64([1], [0])) },
    graph.uniqueName("boxes.frame"),
  );
  graph.addNode({
    op: "RoiAlign",
    inputs: [float, CLASSIFIER_BOXES, zeros],
    outputs: [crops],
    attributes: {
      mode: attr.string("avg"),
      coordinate_transformation_mode: attr.string("half_pixel"),
      output_height: attr.int(size.height),
      output_width: attr.int(size.width),
      // As many samples as the box has pixels.
      sampling_ratio: attr.int(0),
    },
  });
  graph.inputs = [
    { name: CLASSIFIER_FRAME, type: "uint8", shape: [1, 3, "H", "W"] },
    { name: CLASSIFIER_BOXES, type: "float32", shape: ["N", 4] },
  ];
  graph.valueInfo.clear();
  graph.removeDeadNodes();
  graph.sortNodes();
  graph.metadata.clear();
  return graph;
}

/** The attributes' probabilities for each of several batches of two boxes, 0 and 1. */
async function runBoxes(
  graph: OnnxGraph,
  attributes: readonly ClassifierAttribute[],
  { width, height }: Size,
  batches: readonly (readonly number[])[],
): Promise<Float32Array[][]> {
  const frame = { width: 2 * width, height: 2 * height };
  const pixels = Uint8Array.from(
    { length: 3 * frame.width * frame.height },
    (_, at) => (at * 31 + (at >> 7) * 17) & 255,
  );
  const boxes = [
    [0, 0, width, height],
    [width * 0.5, height * 0.3, 2 * width, 1.8 * height],
  ];
  const session = await ClassifierSession.load(encodeModel(graph), attributes, { threads: 1 });
  try {
    return await Array.fromAsync(batches, (batch) =>
      session.run(pixels, frame, Float32Array.from(batch.flatMap((box) => boxes[box]!))),
    );
  } finally {
    await session.stop();
  }
}

function unknown({ outputs }: Trial, inputs: string): UnknownModelError {
  const list = outputs.map(({ name, dims }) => `${name} [${dims.join(", ")}]`).join(", ");
  return new UnknownModelError(
    [
      "This is no classifier that Sightline recognises.",
      `  Seen:     inputs ${inputs}; outputs ${list}.`,
      "  Expected: one picture input [B, 3, H, W], and one or more outputs [B, C] with a score for each of C values.",
    ].join("\n"),
  );
}
