/** Turns an export of any known family into the form that Sightline runs. */
import { DEFAULT_THRESHOLDS, type Thresholds } from "../detection/decode-candidates.ts";
import { PAD_VALUE, type Size } from "../detection/letterbox.ts";
import { InvalidArgumentError, UnknownModelError } from "../errors.ts";
import type { OnnxGraph } from "../onnx/index.ts";
import { foldConstants } from "../prepare/fold-constants.ts";
import {
  PREPARED_BOXES,
  PREPARED_KEY,
  PREPARED_SCORES,
  type PreparedMetadata,
} from "../prepare/prepared-form.ts";
import { columns, selectBest, toCorners } from "./append-nodes.ts";
import { classColumns, recordedNames } from "./class-columns.ts";
import { dFine, rfDetr, rtDetr } from "./detr.ts";
import type { Family, Preprocessing, Recognised, Trial } from "./family.ts";
import { withFreeBatch } from "./free-batch.ts";
import { raiseOpset } from "./raise-opset.ts";
import { readPixels } from "./read-pixels.ts";
import { tensorList, tryOut } from "./trial.ts";
import { nmsInside, yolov5, yolov8, yolox } from "./yolo.ts";

/** The known families in the order in which they are tried: those with more specific signs first. */
export const FAMILIES: readonly Family[] = [yolox, yolov5, yolov8, nmsInside, rfDetr, dFine, rtDetr];

export interface DetectorImportOptions {
  /** The name of one of {@link FAMILIES}; without it, the first family that recognises the file. */
  readonly family?: string | undefined;
  readonly classes?: readonly string[] | undefined;
  /** The picture's size, for an export that accepts any size. */
  readonly input?: Size | undefined;
  /** Facts that override the family's own. */
  readonly preprocessing?: Partial<Preprocessing> | undefined;
  /** Candidates per frame. Default 1024. */
  readonly topK?: number | undefined;
}

export interface ImportedDetector {
  /** In prepared form; its batch is free if the network allows it, otherwise 1. */
  readonly graph: OnnxGraph;
  readonly family: Family;
  readonly thresholds: Thresholds;
  readonly freeBatch: boolean;
  /** What was recognised and what is done, one sentence per line. */
  readonly words: readonly string[];
}

/**
 * Recognise an export by its tensors and by its output for a trial picture, and rewrite it: `frames` uint8 in ffmpeg's gbrp planes,
 * scaled and ordered inside as the family wants, `boxes` and `scores` of the best candidates out. The given graph is not changed.
 * @throws UnknownModelError that lists the tensors found and the known ones
 * @throws InvalidArgumentError for an unknown family, or classes or a size that do not fit
 */
export async function importDetector(
  source: OnnxGraph,
  options: DetectorImportOptions = {},
): Promise<ImportedDetector> {
  const tried = options.family === undefined ? FAMILIES : [familyNamed(options.family)];
  if (source.nodes.some(({ op }) => op === "QuantizeLinear" || op === "DequantizeLinear"))
    throw new UnknownModelError(
      "The model is already quantised; import the float export and quantise the result.",
    );
  const graph = source.clone();
  foldConstants(graph);
  raiseOpset(graph);
  const seen = { inputs: tensorList(graph.inputs) };
  const trial = await tryOut(graph, options.input);
  const [family, recognised] = recognise(trial, tried) ?? [];
  if (!family || !recognised) throw unknown(trial, seen.inputs, tried);
  const { classCount } = recognised;
  const classes = classColumns(classCount, options.classes ?? recordedNames(source.metadata));
  const preprocessing = { ...family.preprocessing, ...options.preprocessing };
  const prepared = rewrite(
    trial,
    recognised,
    classes,
    preprocessing,
    options.topK ?? DEFAULT_THRESHOLDS.preNmsTopK,
  );
  const free = await withFreeBatch(prepared, trial.size);
  const freeBatch = typeof free.inputs[0]!.shape![0] !== "number";
  const { width, height } = trial.size;
  return {
    graph: free,
    family,
    thresholds: thresholdsOf(family, recognised),
    freeBatch,
    words: [
      `This is ${family.title}: ${recognised.layout}.`,
      ...(classes.note === undefined ? [] : [`${classes.names.length} classes: ${classes.note}.`]),
      `Pictures are ${placementWords(preprocessing)} ${width}x${height}, ${pixelWords(preprocessing)}.`,
      recognised.iou === 1
        ? "No NMS is done after it: the model chooses its boxes itself."
        : `NMS is done after it, as its own code does, from an overlap of ${recognised.iou}.`,
      freeBatch
        ? "It takes batches of any size."
        : "It was exported for one picture at a time, so a batch is run one by one; an export with a free batch may be faster on a GPU.",
    ],
  };
}

function thresholdsOf({ score }: Family, { iou, candidateCount }: Recognised): Thresholds {
  const { maxDetections } = DEFAULT_THRESHOLDS;
  // Models that select their boxes themselves return one per candidate.
  const most = iou === 1 ? Math.min(maxDetections, candidateCount) : maxDetections;
  return { ...DEFAULT_THRESHOLDS, score, iou, maxDetections: most };
}

function familyNamed(name: string): Family {
  const family = FAMILIES.find((candidate) => candidate.name === name);
  if (family) return family;
  throw new InvalidArgumentError(
    `There is no family '${name}'; there are: ${FAMILIES.map((known) => known.name).join(", ")}.`,
  );
}

function recognise(trial: Trial, families: readonly Family[]): [Family, Recognised] | undefined {
  for (const family of families) {
    const recognised = family.recognise(trial);
    if (recognised) return [family, recognised];
  }
  return undefined;
}

function rewrite(
  { graph, image, size }: Trial,
  { append, boxFormat, boxUnit, bestClassOnly, candidateCount }: Recognised,
  classes: ReturnType<typeof classColumns>,
  preprocessing: Preprocessing,
  topK: number,
): OnnxGraph {
  const batch = graph.inputs[0]!.shape![0] ?? "N";
  const all = append(graph, classes.width);
  const scores = classes.chosen ? columns(graph, all.scores, classes.chosen) : all.scores;
  const count = Math.min(topK, candidateCount);
  const best = selectBest(graph, { boxes: all.boxes, scores }, count, bestClassOnly);
  const boxes = toCorners(graph, best.boxes, boxFormat, boxUnit === "parts" ? size : undefined);
  readPixels(graph, image, size, batch, preprocessing);
  // Values of the export may have the names of the prepared form; the last computed values have unique names.
  graph.outputs = [];
  for (const name of [PREPARED_BOXES, PREPARED_SCORES]) {
    const taken = graph.uniqueName(name);
    if (taken !== name) graph.rename(name, taken);
  }
  graph.rename(boxes, PREPARED_BOXES);
  graph.rename(best.scores, PREPARED_SCORES);
  graph.outputs = [
    { name: PREPARED_BOXES, type: "float32", shape: [batch, count, 4] },
    { name: PREPARED_SCORES, type: "float32", shape: [batch, count, classes.names.length] },
  ];
  graph.removeDeadNodes();
  graph.sortNodes();
  const metadata: PreparedMetadata = {
    version: 1,
    classes: classes.names,
    input: size,
    frame: size,
    fit: size,
    pixelFormat: "gbrp",
    padValue: PAD_VALUE,
    ...(preprocessing.placement === "centre" ? {} : { placement: preprocessing.placement }),
    candidates: count,
  };
  graph.metadata.clear();
  graph.metadata.set(PREPARED_KEY, JSON.stringify(metadata));
  return graph;
}

function placementWords({ placement }: Preprocessing): string {
  if (placement === "stretch") return "stretched to";
  return placement === "corner" ? "fitted into the upper left of" : "fitted into the middle of";
}

function pixelWords({ channelOrder, range, mean }: Preprocessing): string {
  const scale = range === "unit" ? "0…1" : "0…255";
  return `${channelOrder.toUpperCase()}, ${scale}${mean ? ` less the mean ${mean.join(", ")} by the deviation` : ""}`;
}

function unknown({ outputs }: Trial, inputs: string, tried: readonly Family[]): UnknownModelError {
  const list = outputs.map(({ name, dims }) => `${name} [${dims.join(", ")}]`).join(", ");
  return new UnknownModelError(
    [
      tried.length === 1
        ? `This is not ${tried[0]!.title}.`
        : "This is no detector that Sightline recognises.",
      `  Seen:     inputs ${inputs}; outputs ${list}.`,
      `  Expected: one picture input [B, 3, H, W] and`,
      ...tried.map(({ title, expects }) => `    - ${title}: ${expects};`),
      ...(tried.length === 1 ? [] : ["    - YOLO-NAS: see `sightline model inspect`."]),
    ].join("\n"),
  );
}
