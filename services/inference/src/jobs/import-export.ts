import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { frameMessageBytes, limits } from "@sightline/contracts";
import {
  type DetectorImportOptions,
  DetectorSession,
  decodeModel,
  describeFiles,
  InvalidArgumentError,
  importModel,
  ModelFileError,
  type OnnxGraph,
  preparedMetadata,
  saveModel,
  writeManifest,
} from "@sightline/yolo-nas";
import { checkSameFrames } from "../model-directory.ts";
import { inspect } from "./inspect.ts";
import type { JobTask, Prepared } from "./job-task.ts";

const modelFile = "fp32.onnx";
/** Batch sizes with which the model is tested. */
const triedBatches = [1, 2];

/**
 * Recognises an export, writes its prepared form with model.json into the task's folder, and runs that as a worker would.
 * @throws ModelFileError, UnknownModelError, InvalidArgumentError, InferenceError with the reason why it cannot be served
 */
export async function importExport({
  model,
  settings,
  path,
  out,
  beside,
}: Extract<JobTask, { kind: "import" }>): Promise<Prepared> {
  const source = await readExport(path);
  checkSize(source, settings.input);
  const { graph, architecture, thresholds, words } = await importModel(source, optionsOf(settings));
  const metadata = preparedMetadata(graph.metadata);
  if (frameMessageBytes(metadata.frame.width, metadata.frame.height) > limits.maxPayloadBytes)
    throw new InvalidArgumentError(
      `Its frames of ${metadata.frame.width}x${metadata.frame.height} are too large to be sent to workers.`,
    );
  const odd = metadata.classes.find((name) => /\p{Cc}/u.test(name));
  if (odd !== undefined)
    throw new InvalidArgumentError(
      `The class ${JSON.stringify(odd.slice(0, 63))} has control characters in its name; give it a name without them.`,
    );
  await saveModel(graph, join(out, modelFile));
  const manifest = await describeFiles(out, {
    ...{ name: model, architecture, metadata, thresholds },
    files: { fp32: modelFile },
  });
  if (beside) checkSameFrames(beside, manifest);
  await writeManifest(out, manifest);
  await tryOut(join(out, modelFile));
  const inspection = await inspect(out, model, manifest.version);
  return {
    kind: "import",
    version: manifest.version,
    words: [...words],
    manifest: { ...manifest },
    inspection,
  };
}

/** The graph of an upload, which is one file: external weights are not part of the upload. */
async function readExport(path: string): Promise<OnnxGraph> {
  const bytes = await readFile(path);
  const kind = otherKind(bytes);
  if (kind)
    throw new ModelFileError(`The file is ${kind}, not an ONNX model; export the network to ONNX first.`);
  return decodeModel(bytes);
}

/** Names a kind of file that is often mistaken for a model. */
function otherKind(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  if (head.startsWith("PK\x03\x04")) return "a ZIP archive, as PyTorch's checkpoints (.pt, .pth) are too";
  if (head.startsWith("\x1f\x8b")) return "compressed by gzip";
  if (head.startsWith("\x80\x02") || head.startsWith("\x80\x04")) return "a Python pickle";
  if (head.slice(4, 8) === "ftyp") return "an MP4 video";
  if (head.slice(4, 8) === "TFL3") return "a TensorFlow Lite model";
  return undefined;
}

/**
 * Checks the size of the pictures before the model is tried.
 * @throws InvalidArgumentError when it is too large
 */
function checkSize({ inputs }: OnnxGraph, given: { width: number; height: number } | undefined): void {
  const sides = inputs.flatMap(({ shape }) => (shape?.length === 4 ? shape.slice(2) : []));
  const largest = Math.max(
    0,
    given?.width ?? 0,
    given?.height ?? 0,
    ...sides.filter((side) => typeof side === "number"),
  );
  if (largest > limits.maxFrameSide)
    throw new InvalidArgumentError(
      `It takes pictures with a side of ${largest} pixels; cameras are scaled to at most ${limits.maxFrameSide}.`,
    );
}

function optionsOf({
  family,
  classes,
  input,
  ...preprocessing
}: Extract<JobTask, { kind: "import" }>["settings"]): DetectorImportOptions {
  return { family, classes, input, preprocessing: preprocessing as DetectorImportOptions["preprocessing"] };
}

/**
 * A file that crashes ONNX Runtime must crash only this process.
 * @throws InferenceError
 */
async function tryOut(path: string): Promise<void> {
  const session = await DetectorSession.load(path, { executionProvider: "cpu", spin: false });
  try {
    const pixels = new Uint8Array(Math.max(...triedBatches) * session.frameBytes);
    for (let at = 0; at < pixels.length; at++) pixels[at] = (at * 2_654_435_761) >>> 24;
    for (const batch of triedBatches) {
      const { boxes, scores } = await session.run(pixels, batch);
      if (![boxes, scores].every((values) => values.every(Number.isFinite)))
        throw new ModelFileError(
          "For a test picture it gives values that are not numbers, so it cannot be served.",
        );
    }
  } finally {
    await session.stop();
  }
}
