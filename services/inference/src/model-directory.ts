import { access, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { MANIFEST_FILE, type ModelManifest, readManifest } from "@sightline/yolo-nas";

/** The model asked for is not in the model directory, or not under its own name. */
export class ModelNotFoundError extends Error {
  override readonly name = "ModelNotFoundError";
}

/** A model found by name; the digests of its files are checked. */
export interface LocatedModel {
  folder: string;
  manifest: ModelManifest;
}

/**
 * Finds a model by its name.
 * @throws ModelNotFoundError that lists what is there
 * @throws ModelFileError when the manifest or a file of the model is broken
 */
export async function findModel(directory: string, name: string): Promise<LocatedModel> {
  const folder = resolve(directory, name);
  const path = join(folder, MANIFEST_FILE);
  if (!(await exists(path))) {
    const known = await modelNames(directory);
    throw new ModelNotFoundError(
      `no model '${name}' in ${resolve(directory)}; ` +
        (known.length > 0
          ? `there ${known.length === 1 ? "is" : "are"}: ${known.join(", ")}`
          : "there is none"),
    );
  }
  const manifest = await readManifest(path);
  if (manifest.name !== name)
    throw new ModelNotFoundError(`${path} names its model '${manifest.name}'; a model's folder has its name`);
  return { folder, manifest };
}

async function modelNames(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const names: string[] = [];
  for (const entry of entries)
    if (entry.isDirectory() && (await exists(join(directory, entry.name, MANIFEST_FILE))))
      names.push(entry.name);
  return names.sort();
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
