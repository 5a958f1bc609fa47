import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  attributesSchema,
  type ClassifierManifest,
  describeClassifier,
  describeFiles,
  type ImportedClassifier,
  type ImportedModel,
  type ModelManifest,
  type OnnxGraph,
  preparedMetadata,
  saveModel,
  writeManifest,
} from "@sightline/yolo-nas";
import { CliError } from "../errors.ts";

/** @throws CliError when the folder exists: whoever serves it must not find another model in it */
export async function requireFree(folder: string): Promise<void> {
  if (await stat(folder).catch(() => undefined))
    throw new CliError(
      "output_unusable",
      `${folder} is there already; give another --name, or remove it first`,
    );
}

/** Checks that a name fits a folder, a camera's setting and an environment variable. @throws CliError when it does not */
export function requireName(name: string): void {
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/i.test(name))
    throw new CliError(
      "usage",
      `'${name}' is not a model's name: letters, digits, dots, dashes and underscores, 63 at most; give one with --name`,
    );
}

/** Writes a model's folder with fp32.onnx and model.json; it appears completely or not at all. */
export async function writeModelFolder(
  folder: string,
  name: string,
  { graph, architecture, thresholds }: ImportedModel,
): Promise<ModelManifest> {
  const metadata = preparedMetadata(graph.metadata);
  return writeFolder(folder, name, graph, (partial, file) =>
    describeFiles(partial, { name, architecture, metadata, thresholds, files: { fp32: file } }),
  );
}

/** The same for a classifier. @throws CliError when its attributes' names are not allowed */
export async function writeClassifierFolder(
  folder: string,
  name: string,
  { graph, crop, attributes }: ImportedClassifier,
): Promise<ClassifierManifest> {
  const checked = attributesSchema.safeParse(attributes);
  if (!checked.success)
    throw new CliError(
      "input_unusable",
      `the attributes cannot be called so: ${checked.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ")}`,
    );
  return writeFolder(folder, name, graph, (partial, file) =>
    describeClassifier(partial, { name, crop, attributes, file }),
  );
}

async function writeFolder<Manifest extends ModelManifest | ClassifierManifest>(
  folder: string,
  name: string,
  graph: OnnxGraph,
  describe: (partial: string, file: string) => Promise<Manifest>,
): Promise<Manifest> {
  const partial = join(dirname(folder), `.${name}.${process.pid}.partial`);
  await mkdir(partial, { recursive: true });
  try {
    const file = "fp32.onnx";
    await saveModel(graph, join(partial, file));
    const manifest = await describe(partial, file);
    await writeManifest(partial, manifest);
    await requireFree(folder);
    await rename(partial, folder);
    return manifest;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}
