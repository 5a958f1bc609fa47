/** Rewrites any recognised export into the one form that Sightline deploys. */

import { DEFAULT_THRESHOLDS } from "../detection/decode-candidates.ts";
import { fitWithin, PAD_VALUE, type Size } from "../detection/letterbox.ts";
import { InvalidArgumentError, UnknownModelError } from "../errors.ts";
import { describeModel } from "../inspect/describe-model.ts";
import type { OnnxGraph } from "../onnx/index.ts";
import { appendCandidateDecoding } from "./candidate-decoding.ts";
import { foldConstants } from "./fold-constants.ts";
import { appendPixels, PIXELS, permuteInputChannels } from "./pixel-input.ts";
import {
  PREPARED_BOXES,
  PREPARED_FRAMES,
  PREPARED_KEY,
  PREPARED_SCORES,
  type PreparedMetadata,
} from "./prepared-form.ts";

export type { PreparedMetadata } from "./prepared-form.ts";

export interface PrepareOptions {
  /** One name per class; taken from the model's metadata when omitted, else `class0`, `class1`, … */
  readonly classes?: readonly string[] | undefined;
  /** Size of incoming frames when smaller than the model's input: the graph then centres them on padding itself. */
  readonly frame?: Size | undefined;
  /** Pictures are scaled to fit this before padding. Default: super-gradients' margin, 4 pixels below the input. */
  readonly fit?: Size | undefined;
  /** Order of channels the network was trained with. super-gradients' is RGB. */
  readonly channelOrder?: "rgb" | "bgr" | undefined;
  /** Candidates per frame; at least NMS's top-k for results equal to the original pipeline's. Default 1024. */
  readonly topK?: number | undefined;
}

/**
 * Rewrite an export: input `frames` uint8 [N, 3, H, W] in ffmpeg's gbrp plane order, outputs `boxes` float32 [N, K, 4] and `scores`
 * float32 [N, K, C], N free. NMS and pre-selection of the export are removed, BatchNorms are folded, and only the K best anchors are
 * decoded. Cast and Mul turn pixels to 0…1; a quantiser can replace them by reading the bytes directly. The given graph is not changed.
 * @throws UnknownModelError for a model that is not recognised, is already prepared, or is quantised
 * @throws InvalidArgumentError for class names or a frame size that do not fit
 *
 * @example
 * ```ts
 * const graph = prepareModel(await loadModel("packages/yolo-nas/fixtures/exports/raw-static.onnx"));
 * assert.equal(graph.inputs[0]?.type, "uint8");
 * ```
 */
export function prepareModel(source: OnnxGraph, options: PrepareOptions = {}): OnnxGraph {
  const graph = source.clone();
  foldConstants(graph);
  const { form, image, heads, quantized } = describeModel(graph);
  if (!heads) throw new UnknownModelError(`The model is already in ${form} form; use it as it is.`);
  if (quantized) {
    throw new UnknownModelError(
      "The model is already quantised; prepare the float export and quantise the result.",
    );
  }
  const input: Size = { width: image.width, height: image.height };
  const frame = options.frame ?? input;
  const fit = options.fit ?? fitWithin(input);
  requireWithin(frame, input, "Frames");
  requireWithin(fit, input, "Scaled pictures");
  const classes = classNames(source, heads.classCount, options.classes);

  graph.outputs = heads.heads.flatMap((head) =>
    [head.distances, head.classes].map((name) => ({ name, type: "float32" as const, shape: undefined })),
  );
  permuteInputChannels(graph, image.firstConvolution, options.channelOrder ?? "rgb");
  graph.replaceUses(image.normalized, PIXELS);
  graph.removeDeadNodes();
  for (const name of [PREPARED_FRAMES, PREPARED_BOXES, PREPARED_SCORES]) freeName(graph, name);
  appendPixels(graph, frame, input);
  const candidates = appendCandidateDecoding(
    graph,
    heads.heads,
    heads.classCount,
    heads.regMax,
    options.topK ?? DEFAULT_THRESHOLDS.preNmsTopK,
  );
  graph.sortNodes();
  graph.opsets.set("", 17);
  graph.irVersion = 8;
  const metadata: PreparedMetadata = {
    version: 1,
    classes,
    input,
    frame,
    fit,
    pixelFormat: "gbrp",
    padValue: PAD_VALUE,
    candidates,
  };
  graph.metadata.set(PREPARED_KEY, JSON.stringify(metadata));
  return graph;
}

function requireWithin(size: Size, input: Size, what: string): void {
  if (size.width > input.width || size.height > input.height) {
    throw new InvalidArgumentError(
      `${what} of ${size.width}x${size.height} do not fit the model's input of ${input.width}x${input.height}.`,
    );
  }
}

/** Rename a value of the export whose name the prepared form uses. */
function freeName(graph: OnnxGraph, name: string): void {
  const fresh = graph.uniqueName(name);
  if (fresh !== name) graph.rename(name, fresh);
}

function classNames(
  source: OnnxGraph,
  count: number,
  given: readonly string[] | undefined,
): readonly string[] {
  const names = given ?? recordedClasses(source.metadata);
  if (!names) return Array.from({ length: count }, (_, i) => `class${i}`);
  if (names.length !== count) {
    throw new InvalidArgumentError(
      `The model predicts ${count} classes but ${names.length} names were given: ${names.slice(0, 8).join(", ")}.`,
    );
  }
  return names;
}

function recordedClasses(metadata: ReadonlyMap<string, string>): string[] | undefined {
  const text = metadata.get("classes");
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((name) => typeof name === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}
