import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  DEFAULT_THRESHOLDS,
  loadModel,
  MANIFEST_FILE,
  type PreparedMetadata,
  parseClassifier,
  preparedMetadata,
  readManifest,
  type Thresholds,
} from "@sightline/yolo-nas";
import { CliError } from "../errors.ts";

/** A prepared model's file, with everything needed to read its results. */
export interface ChosenModel {
  readonly name: string;
  readonly file: string;
  readonly metadata: Pick<PreparedMetadata, "input" | "frame" | "fit" | "placement" | "classes">;
  readonly thresholds: Thresholds;
}

/**
 * The model to run: a prepared ONNX file, a folder with a `model.json`, the name of one in `models`, or, when none is named, the only
 * model there. From a folder, INT8 for the CPU is preferred to FP32 unless a precision is given.
 */
export async function chooseModel(
  path: string | undefined,
  models: string,
  precision: "int8" | "fp32" | undefined,
): Promise<ChosenModel> {
  const place = path === undefined ? await onlyModel(models) : await modelPlace(path, models);
  if (!(await stat(place)).isDirectory()) {
    if (basename(place) === MANIFEST_FILE) return fromFolder(dirname(place), precision);
    const metadata = preparedMetadata((await loadModel(place)).metadata);
    return { name: basename(place), file: place, metadata, thresholds: DEFAULT_THRESHOLDS };
  }
  return fromFolder(place, precision);
}

/** The ONNX file of a model given in one of the ways of {@link chooseModel}; it need not be prepared. */
export async function modelFile(path: string, models: string): Promise<string> {
  const place = await modelPlace(path, models);
  const isFolder = (await stat(place)).isDirectory();
  if (!isFolder && basename(place) !== MANIFEST_FILE) return place;
  return (await fromFolder(isFolder ? place : dirname(place), undefined)).file;
}

async function fromFolder(folder: string, precision: "int8" | "fp32" | undefined): Promise<ChosenModel> {
  const manifest = await readManifest(join(folder, MANIFEST_FILE));
  const { int8Cpu, fp32 } = manifest.files;
  const entry = precision === "int8" ? int8Cpu : precision === "fp32" ? fp32 : (int8Cpu ?? fp32);
  if (!entry) {
    throw new CliError(
      "not_found",
      `the model '${manifest.name}' has no ${precision ?? "FP32 or INT8"} file for the CPU`,
    );
  }
  return {
    name: manifest.name,
    file: join(folder, entry.file),
    metadata: manifest,
    thresholds: manifest.thresholds,
  };
}

async function modelPlace(path: string, models: string): Promise<string> {
  for (const place of [path, join(models, path)])
    if (path !== "" && (await stat(place).catch(() => undefined))) return place;
  throw new CliError(
    "not_found",
    `there is no model '${path}'; in ${models} ${known(await allModels(models))}`,
  );
}

async function onlyModel(models: string): Promise<string> {
  const found = await allModels(models);
  if (found.length === 1) return found[0]!;
  throw new CliError("usage", `name a model with --model: in ${models} ${known(found)}`);
}

async function allModels(models: string): Promise<string[]> {
  const entries = await readdir(models, { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries) {
    const folder = join(models, entry.name);
    if (!entry.isDirectory() || !(await stat(join(folder, MANIFEST_FILE)).catch(() => undefined))) continue;
    // A second stage cannot detect objects.
    if (!(await parseClassifier(folder).catch(() => undefined))) found.push(folder);
  }
  return found;
}

function known(found: readonly string[]): string {
  const names = found.map((folder) => basename(folder)).join(", ");
  return found.length === 0 ? "there is none" : `there ${found.length === 1 ? "is" : "are"} ${names}`;
}
