import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  describeFiles,
  type ImportedModel,
  type ModelManifest,
  preparedMetadata,
  saveModel,
  writeManifest,
} from "@sightline/yolo-nas";

/** A model cannot be put where it shall go. */
export class ModelFolderError extends Error {
  override readonly name = "ModelFolderError";
}

/** @throws ModelFolderError when the folder is there: whoever serves it must not find another model in it */
export async function requireFree(folder: string): Promise<void> {
  if (await stat(folder).catch(() => undefined))
    throw new ModelFolderError(`${folder} is there already; give another --name, or remove it first`);
}

/** A name that a folder, a camera's setting and an environment variable can hold. @throws ModelFolderError for another */
export function requireName(name: string): void {
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/i.test(name))
    throw new ModelFolderError(
      `'${name}' is no model's name: letters, digits, dots, dashes and underscores, 63 at most; give one with --name`,
    );
}

/** Writes a model's folder, with fp32.onnx and model.json in it; it appears whole or not at all. */
export async function writeModelFolder(
  folder: string,
  name: string,
  { graph, architecture, thresholds }: ImportedModel,
): Promise<ModelManifest> {
  const partial = join(dirname(folder), `.${name}.${process.pid}.partial`);
  await mkdir(partial, { recursive: true });
  try {
    const file = "fp32.onnx";
    await saveModel(graph, join(partial, file));
    const metadata = preparedMetadata(graph.metadata);
    const manifest = await describeFiles(partial, {
      name,
      architecture,
      metadata,
      thresholds,
      files: { fp32: file },
    });
    await writeManifest(partial, manifest);
    await requireFree(folder);
    await rename(partial, folder);
    return manifest;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}
