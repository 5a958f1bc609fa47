/** `model.json`, which is stored with a model's files and contains everything a service needs to run them. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { parse as parseYaml, YAMLError } from "yaml";
import { z } from "zod";
import { DEFAULT_THRESHOLDS, type Thresholds } from "./detection/decode-candidates.ts";
import { PLACEMENTS } from "./detection/letterbox.ts";
import { ModelFileError } from "./errors.ts";
import type { PreparedMetadata } from "./prepare/prepared-form.ts";

/** Encodings of one model, by the file that holds each. */
export const PRECISIONS = ["fp32", "int8Cpu", "int8Trt", "trtEngine"] as const;
export type ModelPrecision = (typeof PRECISIONS)[number];

export const sizeSchema = z.object({ width: z.int().positive(), height: z.int().positive() });
const fraction = z.number().min(0).max(1);

export const modelFileSchema = z.object({
  /** File name, in the manifest's own folder. */
  file: z.string().regex(/^[\w][\w.-]*$/, "a plain file name in the manifest's folder"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits"),
});

export const modelManifestSchema = z.object({
  schemaVersion: z.literal(1),
  name: z.string().min(1),
  architecture: z.string().min(1),
  /** See {@link modelVersion}. */
  version: z.string().min(1),
  files: z
    .partialRecord(z.enum(PRECISIONS), modelFileSchema)
    .refine((files) => Object.keys(files).length > 0, "at least one file"),
  input: sizeSchema,
  /** Size of the frames tensor; smaller than `input` when the graph pads. */
  frame: sizeSchema,
  /** Pictures are scaled to fit this, then centred in `input`. */
  fit: sizeSchema,
  pixelFormat: z.literal("gbrp"),
  padValue: z.int().min(0).max(255),
  /** Where pictures lie in `input`, if not in the centre. */
  placement: z.enum(PLACEMENTS).optional(),
  classes: z.array(z.string().min(1)).min(1).readonly(),
  thresholds: z.object({
    score: fraction,
    iou: fraction,
    preNmsTopK: z.int().positive(),
    maxDetections: z.int().positive(),
  }),
  /** Measured accuracy by precision, as fractions; free-form names such as "ap" and "ap50". */
  accuracy: z.partialRecord(z.enum(PRECISIONS), z.record(z.string(), z.number())).optional(),
  /** The kind of processor that each precision's accuracy belongs to, such as "any CPU". */
  accuracyOn: z.partialRecord(z.enum(PRECISIONS), z.string().min(1)).optional(),
});

export type ModelManifest = z.infer<typeof modelManifestSchema>;

export const MANIFEST_FILE = "model.json";

export interface NewManifest {
  readonly name: string;
  readonly architecture: string;
  readonly metadata: Pick<
    PreparedMetadata,
    "input" | "frame" | "fit" | "pixelFormat" | "padValue" | "placement" | "classes"
  >;
  /** Default: super-gradients' for YOLO-NAS. */
  readonly thresholds?: Thresholds | undefined;
  /** File names in `folder`, by precision. */
  readonly files: Readonly<Partial<Record<ModelPrecision, string>>>;
}

/**
 * First 12 digits of the digest of a model's files: changes when any of them does. A TensorRT engine does not count, since
 * each machine builds its own from the same file.
 *
 * @example
 * ```ts
 * const { files, version } = await parseManifest("models/yolo-nas-pedestrians/model.json");
 * assert.equal(modelVersion(files), version);
 * ```
 */
export function modelVersion(files: ModelManifest["files"]): string {
  const all = createHash("sha256");
  for (const precision of PRECISIONS)
    if (precision !== "trtEngine" && files[precision]) all.update(files[precision].sha256);
  return all.digest("hex").slice(0, 12);
}

/**
 * Describe a model's files in a folder, with their digests. @throws ModelFileError when one cannot be read
 *
 * @example
 * ```ts
 * import { cp } from "node:fs/promises";
 * await cp("models/yolo-nas-pedestrians/fp32.onnx", `${scratch}/fp32.onnx`);
 * const { metadata } = await loadModel(`${scratch}/fp32.onnx`);
 * const model = { name: "people", architecture: "yolo_nas_xs", metadata: preparedMetadata(metadata) };
 * const manifest = await describeFiles(scratch, { ...model, files: { fp32: "fp32.onnx" } });
 * assert.deepEqual(manifest.classes, ["person"]);
 * ```
 */
export async function describeFiles(folder: string, model: NewManifest): Promise<ModelManifest> {
  const files: ModelManifest["files"] = {};
  for (const precision of PRECISIONS) {
    const file = model.files[precision];
    if (file !== undefined) files[precision] = { file, sha256: await fileDigest(join(folder, file)) };
  }
  const { input, frame, fit, padValue, placement, classes } = model.metadata;
  return modelManifestSchema.parse({
    schemaVersion: 1,
    name: model.name,
    architecture: model.architecture,
    version: modelVersion(files),
    files,
    input,
    frame,
    fit,
    // For its ONNX files; an engine says itself what it reads.
    pixelFormat: "gbrp",
    padValue,
    ...(placement === undefined ? {} : { placement }),
    classes,
    thresholds: model.thresholds ?? DEFAULT_THRESHOLDS,
  });
}

/**
 * Add files to the manifest of a folder, or replace them, and write it; digests and version follow. Measurements are kept only for files
 * that have not changed, and a TensorRT engine is removed when the INT8 file it was built from changes.
 * @param accuracy new measurements, by precision
 * @param accuracyOn the kind of processor that each was made on
 * @throws ModelFileError when the folder has no valid manifest, or a file cannot be read
 *
 * @example
 * ```ts
 * import { cp } from "node:fs/promises";
 * await cp("models/yolo-nas-pedestrians", scratch, { recursive: true });
 * const { accuracy } = await addModelFiles(scratch, { fp32: "fp32.onnx" }, { fp32: { ap: 0.7 } });
 * assert.equal(accuracy?.fp32?.ap, 0.7);
 * ```
 */
export async function addModelFiles(
  folder: string,
  files: NewManifest["files"],
  accuracy: NonNullable<ModelManifest["accuracy"]> = {},
  accuracyOn: NonNullable<ModelManifest["accuracyOn"]> = {},
): Promise<ModelManifest> {
  const known = await parseManifest(join(folder, MANIFEST_FILE));
  const names: Partial<Record<ModelPrecision, string>> = { ...files };
  for (const precision of PRECISIONS) names[precision] ??= known.files[precision]?.file;
  const describe = () =>
    describeFiles(folder, {
      name: known.name,
      architecture: known.architecture,
      metadata: known,
      files: names,
    });
  let manifest = await describe();
  const changed = (precision: ModelPrecision) =>
    known.files[precision]?.sha256 !== manifest.files[precision]?.sha256;
  if (changed("int8Trt") && files.trtEngine === undefined && names.trtEngine !== undefined) {
    delete names.trtEngine;
    manifest = await describe();
  }
  const kept = Object.entries(known.accuracy ?? {}).filter(([key]) => !changed(key as ModelPrecision));
  const measured = { ...Object.fromEntries(kept), ...accuracy };
  const updated: ModelManifest = { ...manifest, thresholds: known.thresholds };
  if (Object.keys(measured).length > 0) updated.accuracy = measured;
  // It is unknown whether a newer measurement was made on the processor of an older one.
  const placed = Object.entries(known.accuracyOn ?? {}).filter(
    ([key]) => !changed(key as ModelPrecision) && !(key in accuracy),
  );
  const places = { ...Object.fromEntries(placed), ...accuracyOn };
  if (Object.keys(places).length > 0) updated.accuracyOn = places;
  await writeManifest(folder, updated);
  return updated;
}

/**
 * Write `model.json` into a folder; it appears completely or not at all.
 *
 * @example
 * ```ts
 * const manifest = await parseManifest("models/yolo-nas-pedestrians/model.json");
 * await writeManifest(scratch, manifest);
 * assert.deepEqual(await parseManifest(`${scratch}/${MANIFEST_FILE}`), manifest);
 * ```
 */
export async function writeManifest<Manifest extends { readonly name: string }>(
  folder: string,
  manifest: Manifest,
): Promise<void> {
  const path = join(folder, MANIFEST_FILE);
  const partial = `${path}.${process.pid}.partial`;
  await writeFile(partial, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(partial, path);
}

/**
 * Read a manifest and check that its files are the ones it describes.
 * @param path the `model.json` file
 * @throws ModelFileError for a missing, malformed or outdated manifest
 *
 * @example
 * ```ts
 * const { input } = await readManifest("models/yolo-nas-pedestrians/model.json");
 * assert.deepEqual(input, { width: 512, height: 384 });
 * ```
 */
export async function readManifest(path: string): Promise<ModelManifest> {
  const manifest = await parseManifest(path);
  await checkFiles(path, manifest.files);
  return manifest;
}

/** @throws ModelFileError when a file is not the one that the manifest describes */
export async function checkFiles(path: string, files: ModelManifest["files"]): Promise<void> {
  for (const entry of Object.values(files)) {
    const file = join(dirname(path), entry.file);
    if ((await fileDigest(file)) !== entry.sha256) {
      throw new ModelFileError(
        `${file} is not the file that ${path} describes; prepare or quantise the model again.`,
      );
    }
  }
}

/**
 * Read a manifest without checking its files.
 * @throws ModelFileError for a missing or malformed manifest
 *
 * @example
 * ```ts
 * const { classes } = await parseManifest("models/yolo-nas-pedestrians/model.json");
 * assert.deepEqual(classes, ["person"]);
 * ```
 */
export async function parseManifest(path: string): Promise<ModelManifest> {
  return parseManifestAs(path, (value) => {
    if (isClassifier(value))
      throw new ModelFileError(
        `${path} is of a classifier, which looks at what a detector found; a camera takes it with --then.`,
      );
    return modelManifestSchema.parse(value);
  });
}

/** Whether the contents of a manifest describe a classifier: detectors' manifests name no kind. */
export function isClassifier(value: unknown): boolean {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "classifier";
}

/**
 * Read a manifest of any kind; `parse` checks what it holds.
 * @throws ModelFileError for a missing or malformed manifest
 */
export async function parseManifestAs<T>(path: string, parse: (value: unknown) => T): Promise<T> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ModelFileError(`Cannot read the model manifest ${path}.`, { cause });
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    // JSON.parse silently drops the first of two fields with the same name. JSON is also YAML, and the YAML reader refuses them.
    parseYaml(text, { uniqueKeys: true });
    return parse(value);
  } catch (cause) {
    if (cause instanceof ModelFileError) throw cause;
    const reason =
      cause instanceof z.ZodError
        ? z.prettifyError(cause)
        : cause instanceof YAMLError
          ? `a field stands twice: ${cause.message}`
          : "it is not JSON in UTF-8";
    throw new ModelFileError(`The model manifest ${path} is not valid: ${reason}`, { cause });
  }
}

export async function fileDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
  } catch (cause) {
    throw new ModelFileError(`Cannot read the model file ${path}.`, { cause });
  }
  return hash.digest("hex");
}
