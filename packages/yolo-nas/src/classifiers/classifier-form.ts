import { join } from "node:path";
import { z } from "zod";
import {
  checkFiles,
  fileDigest,
  isClassifier,
  MANIFEST_FILE,
  modelFileSchema,
  modelVersion,
  parseManifestAs,
  sizeSchema,
} from "../manifest.ts";

/** Names of a classifier's inputs and outputs. */

/** What a classifier reports about an object: one of these values. */
export interface ClassifierAttribute {
  readonly name: string;
  readonly values: readonly string[];
}

/** uint8 [1, 3, H, W], planes G, B, R of a whole frame of any size. */
export const CLASSIFIER_FRAME = "frame";
/** float32 [N, 4]: x1, y1, x2, y2 in pixels of the frame. */
export const CLASSIFIER_BOXES = "boxes";
/** Name of the output with an attribute's probabilities, float32 [N, values]. */
export function attributeOutput(attribute: string): string {
  return `attribute.${attribute}`;
}

/** A second stage: its description, and its files in a folder of models. */

/** Names of attributes and values are used in rules, and in filters with `=` and commas. */
const wordSchema = z
  .string()
  .regex(
    /^[\p{L}\p{N}](?:[\p{L}\p{N} _.-]{0,61}[\p{L}\p{N}])?$/u,
    "1 to 63 letters, digits, spaces, '.', '_' and '-'",
  );

const unique = (words: readonly string[]) => new Set(words).size === words.length;

/** See {@link ClassifierAttribute}. */
const attributeSchema = z.object({
  name: wordSchema,
  values: z.array(wordSchema).min(2).max(256).refine(unique, "each value once").readonly(),
});
export const attributesSchema = z
  .array(attributeSchema)
  .min(1)
  .max(16)
  .refine((all) => unique(all.map(({ name }) => name)), "each attribute once")
  .readonly();

export const classifierManifestSchema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("classifier"),
  name: z.string().min(1),
  /** First 12 digits of the digest of its files. */
  version: z.string().min(1),
  files: z.object({ fp32: modelFileSchema }),
  /** Size to which objects are scaled, whatever their shape. */
  crop: sizeSchema,
  attributes: attributesSchema,
});
export type ClassifierManifest = z.infer<typeof classifierManifestSchema>;

/**
 * Describe a classifier's file in a folder, with its digest. @throws ModelFileError when it cannot be read
 *
 * @example
 * ```ts
 * import { cp } from "node:fs/promises";
 * await cp("models/clothing-colour/fp32.onnx", `${scratch}/colour.onnx`);
 * const attributes = [{ name: "colour", values: ["black", "red"] }];
 * const model = { name: "colour", file: "colour.onnx", crop: { width: 32, height: 64 }, attributes };
 * await writeManifest(scratch, await describeClassifier(scratch, model));
 * assert.equal((await readClassifier(scratch))?.name, "colour");
 * ```
 */
export async function describeClassifier(
  folder: string,
  { file, ...model }: Pick<ClassifierManifest, "name" | "crop" | "attributes"> & { readonly file: string },
): Promise<ClassifierManifest> {
  const files = { fp32: { file, sha256: await fileDigest(join(folder, file)) } };
  return { schemaVersion: 1, kind: "classifier", ...model, version: modelVersion(files), files };
}

/**
 * Read the manifest of a classifier's folder, without checking its file; undefined for another kind of model.
 * @throws ModelFileError for a missing or malformed manifest
 *
 * @example
 * ```ts
 * assert.equal((await parseClassifier("models/clothing-colour"))?.attributes[0]?.name, "colour");
 * assert.equal(await parseClassifier("models/yolo-nas-pedestrians"), undefined); // A detector.
 * ```
 */
export async function parseClassifier(folder: string): Promise<ClassifierManifest | undefined> {
  return parseManifestAs(join(folder, MANIFEST_FILE), (value) =>
    isClassifier(value) ? classifierManifestSchema.parse(value) : undefined,
  );
}

/**
 * The same, but it also checks the file. @throws ModelFileError also when the file is not the described one
 *
 * @example
 * ```ts
 * const manifest = await readClassifier("models/clothing-colour");
 * assert.deepEqual(manifest?.crop, { width: 32, height: 64 });
 * ```
 */
export async function readClassifier(folder: string): Promise<ClassifierManifest | undefined> {
  const manifest = await parseClassifier(folder);
  if (manifest) await checkFiles(join(folder, MANIFEST_FILE), manifest.files);
  return manifest;
}
