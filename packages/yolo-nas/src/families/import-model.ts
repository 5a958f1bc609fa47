/** One entry point for every export: YOLO-NAS is recognised by its prediction layers, other families by their outputs. */
import { DEFAULT_THRESHOLDS, type Thresholds } from "../detection/decode-candidates.ts";
import { InvalidArgumentError, UnknownModelError } from "../errors.ts";
import { describeModel } from "../inspect/describe-model.ts";
import { modelWords } from "../inspect/model-words.ts";
import type { OnnxGraph } from "../onnx/index.ts";
import { foldConstants } from "../prepare/fold-constants.ts";
import { prepareModel } from "../prepare/prepare-model.ts";
import { type DetectorImportOptions, FAMILIES, importDetector } from "./import-detector.ts";

export const YOLO_NAS = "yolo-nas";
/** Every allowed value of {@link DetectorImportOptions.family}. */
export const FAMILY_NAMES: readonly string[] = [YOLO_NAS, ...FAMILIES.map(({ name }) => name)];

export interface ImportedModel {
  /** In prepared form. */
  readonly graph: OnnxGraph;
  /** The architecture's name in model.json. */
  readonly architecture: string;
  readonly thresholds: Thresholds;
  /** What was recognised and what is done, one sentence per line. */
  readonly words: readonly string[];
}

/**
 * Recognise an export of any known family and rewrite it into prepared form. The given graph is not changed.
 * @throws UnknownModelError that lists the tensors found and the known ones
 * @throws InvalidArgumentError for options that do not fit the file
 *
 * @example
 * ```ts
 * const { architecture, graph } = await importModel(await loadModel("packages/yolo-nas/fixtures/exports/raw-static.onnx"));
 * assert.match(architecture, /^yolo_nas/);
 * assert.equal(describeModel(graph).form, "prepared");
 * ```
 */
export async function importModel(
  source: OnnxGraph,
  options: DetectorImportOptions = {},
): Promise<ImportedModel> {
  const { family } = options;
  if (family !== undefined && !FAMILY_NAMES.includes(family))
    throw new InvalidArgumentError(`There is no family '${family}'; there are: ${FAMILY_NAMES.join(", ")}.`);
  if (family === YOLO_NAS || (family === undefined && isYoloNas(source)))
    return importYoloNas(source, options);
  const imported = await importDetector(source, options);
  return { ...imported, architecture: imported.family.name };
}

function importYoloNas(
  source: OnnxGraph,
  { classes, topK, preprocessing }: DetectorImportOptions,
): ImportedModel {
  const graph = prepareModel(source, { classes, topK, channelOrder: preprocessing?.channelOrder });
  return {
    graph,
    architecture: source.metadata.get("architecture") ?? "yolo_nas",
    thresholds: DEFAULT_THRESHOLDS,
    words: modelWords(source, describeModel(folded(source))).slice(0, 3),
  };
}

function isYoloNas(source: OnnxGraph): boolean {
  try {
    describeModel(folded(source));
    return true;
  } catch (error) {
    if (error instanceof UnknownModelError) return false;
    throw error;
  }
}

function folded(source: OnnxGraph): OnnxGraph {
  const graph = source.clone();
  foldConstants(graph);
  return graph;
}
