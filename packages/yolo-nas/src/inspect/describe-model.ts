/** Recognises what a model file is, by its tensors. */
import { UnknownModelError } from "../errors.ts";
import type { Dimension, GraphNode, OnnxGraph, ValueInfo } from "../onnx/index.ts";
import {
  PREPARED_BOXES,
  PREPARED_FORM,
  PREPARED_FRAMES,
  PREPARED_KEY,
  PREPARED_SCORES,
} from "../prepare/prepared-form.ts";
import { type FoundHeads, findHeads, predictionLayers } from "./find-heads.ts";
import { findImageInput, type ImageInput } from "./find-input.ts";

/** The forms in which YOLO-NAS leaves super-gradients (or this package). */
export type ModelForm =
  | "prepared"
  | "raw"
  | "onnxruntime-batch"
  | "onnxruntime-flat"
  | "tensorrt-batch"
  | "tensorrt-flat";

export interface ModelDescription {
  readonly form: ModelForm;
  readonly image: ImageInput;
  /** The prediction layers; undefined for a prepared model, whose outputs are used directly. */
  readonly heads: FoundHeads | undefined;
  readonly classCount: number;
  /** Anchors before any selection, or candidates of a prepared model. */
  readonly anchorCount: number;
  readonly quantized: boolean;
}

/**
 * Recognise a model: raw two outputs, ONNX Runtime's or TensorRT's NMS in batch or flat form, or this package's own
 * prepared form; float or uint8 input, fixed or free batch, any number of classes.
 * @throws UnknownModelError that lists the tensors seen and those expected
 *
 * @example
 * ```ts
 * const { form, classCount } = describeModel(await loadModel("models/yolo-nas-pedestrians/fp32.onnx"));
 * assert.deepEqual({ form, classCount }, { form: "prepared", classCount: 1 });
 * ```
 */
export function describeModel(graph: OnnxGraph): ModelDescription {
  const ends = findEnds(graph);
  const image = findImageInput(graph) ?? (ends?.form === PREPARED_FORM ? preparedImage(graph) : undefined);
  if (!image || !ends) throw unknown(graph);
  const quantized = graph.nodes.some(
    (node) => node.op === "QuantizeLinear" || node.op === "DequantizeLinear",
  );
  if (ends.form === "prepared") {
    const [, anchorCount, classCount] = graph.outputs.find((output) => output.name === ends.scores)!.shape!;
    if (typeof anchorCount !== "number" || typeof classCount !== "number") throw unknown(graph);
    return { form: "prepared", image, heads: undefined, classCount, anchorCount, quantized };
  }
  const heads = findHeads(graph, image, ends.boxes, ends.scores);
  if (!heads) throw unknown(graph);
  const recorded = ends.form === "raw" ? graph.shapeOf(ends.scores)?.at(-1) : undefined;
  if (isFixed(recorded) && recorded !== heads.classCount) throw unknown(graph);
  const anchorCount = heads.heads.reduce((sum, head) => sum + head.height * head.width, 0);
  return { form: ends.form, image, heads, classCount: heads.classCount, anchorCount, quantized };
}

/** The input of a prepared model of another family, which may have any steps before the first convolution. */
function preparedImage(graph: OnnxGraph): ImageInput | undefined {
  const info = graph.inputs.find(({ name }) => name === PREPARED_FRAMES);
  const firstConvolution = graph.nodes.find(({ op }) => op === "Conv");
  const [batch, , height, width] = info?.shape ?? [];
  if (!info || !firstConvolution || typeof height !== "number" || typeof width !== "number") return undefined;
  return {
    name: info.name,
    type: "uint8",
    batch: typeof batch === "number" ? batch : "dynamic",
    width,
    height,
    firstConvolution,
    normalized: firstConvolution.inputs[0]!,
    factor: 1,
    channelOrder: "rgb",
  };
}

interface Ends {
  readonly form: ModelForm;
  readonly boxes: string;
  readonly scores: string;
}

function findEnds(graph: OnnxGraph): Ends | undefined {
  const { outputs } = graph;
  if (graph.metadata.has(PREPARED_KEY) && outputs.length === 2) {
    return { form: PREPARED_FORM, boxes: PREPARED_BOXES, scores: PREPARED_SCORES };
  }
  const nms = graph.nodes.find((node) => node.op === "NonMaxSuppression" || node.op === "EfficientNMS_TRT");
  if (nms) return endsOfNms(nms, outputs);
  if (outputs.length !== 2 || !outputs.every((output) => isFloat(output) && hasRank(output, 3)))
    return undefined;
  // Exporters write them in either order; only boxes are computed from the probabilities of distances.
  const isBoxes = ({ name }: ValueInfo) => predictionLayers(graph, name).binned.length > 0;
  const boxes = outputs.find(isBoxes);
  const scores = outputs.find((output) => !isBoxes(output));
  return boxes && scores && endsWith(boxes, 4)
    ? { form: "raw", boxes: boxes.name, scores: scores.name }
    : undefined;
}

function endsOfNms(nms: GraphNode, outputs: readonly ValueInfo[]): Ends | undefined {
  const runtime = nms.op === "NonMaxSuppression" ? "onnxruntime" : "tensorrt";
  const [boxes, scores] = nms.inputs as [string, string];
  if (outputs.length === 1 && endsWith(outputs[0]!, 7, 2)) return { form: `${runtime}-flat`, boxes, scores };
  return outputs.length === 4 && outputs.some((output) => endsWith(output, 4))
    ? { form: `${runtime}-batch`, boxes, scores }
    : undefined;
}

// Exporters do not always record output shapes; what is recorded must fit.
function endsWith(info: ValueInfo, size: number, rank = 3): boolean {
  return (
    hasRank(info, rank) &&
    (info.shape === undefined || !isFixed(info.shape.at(-1)) || info.shape.at(-1) === size)
  );
}

function hasRank(info: ValueInfo, rank: number): boolean {
  return info.shape === undefined || info.shape.length === rank;
}

function isFixed(dim: Dimension | undefined): boolean {
  return typeof dim === "number" && dim > 0;
}

function isFloat(info: ValueInfo): boolean {
  return info.type === undefined || info.type === "float32" || info.type === "float16";
}

function unknown(graph: OnnxGraph): UnknownModelError {
  const list = (infos: readonly ValueInfo[]) =>
    infos
      .map(
        ({ name, type, shape }) =>
          `${name} ${type ?? "?"} [${shape?.map((d) => d ?? "?").join(", ") ?? "?"}]`,
      )
      .join(", ");
  return new UnknownModelError(
    [
      "This is not a YOLO-NAS model that Sightline recognises.",
      `  Seen:     inputs ${list(graph.inputs) || "none"}; outputs ${list(graph.outputs) || "none"}.`,
      "  Expected: one image input [B, 3, H, W] of float32, float16 or uint8 with H and W fixed, and one of",
      "    - two float outputs, in any order: boxes [B, A, 4] and scores [B, A, classes];",
      "    - four outputs of an NMS: counts [B, 1], boxes [B, M, 4], scores [B, M], classes [B, M];",
      "    - one flat output of an NMS: [D, 7];",
      "  computed from three pairs of prediction convolutions: the class logits, and 4·17 distances that go through a softmax.",
    ].join("\n"),
  );
}
