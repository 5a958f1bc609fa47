import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { MANIFEST_FILE, type ModelManifest, modelVersion, readManifest } from "@sightline/yolo-nas";

/** Result of an installation. */
export interface Installed {
  version: string;
  folder: string;
  /** It existed before. */
  known: boolean;
}

/**
 * Copies a model's folder to where workers look for its versions: `directory/NAME/versions/VERSION`. It appears completely or not at all.
 * @throws ModelFileError when the folder has no complete model
 */
export async function installVersion(source: string, directory: string, name?: string): Promise<Installed> {
  const manifest = await readManifest(join(source, MANIFEST_FILE));
  const model = name ?? manifest.name;
  const version = modelVersion(manifest.files);
  // Workers may look in several directories; new versions go to the last.
  const versions = resolve(directory.split(delimiter).at(-1)!, model, "versions");
  const folder = join(versions, version);
  if (await isWhole(folder, version)) return { version, folder, known: true };
  await mkdir(versions, { recursive: true });
  const partial = await mkdtemp(join(versions, ".partial-"));
  try {
    for (const { file } of Object.values(manifest.files))
      await copyFile(join(source, file), join(partial, file));
    const copy: ModelManifest = { ...manifest, name: model, version };
    await writeFile(join(partial, MANIFEST_FILE), `${JSON.stringify(copy, null, 2)}\n`);
    await readManifest(join(partial, MANIFEST_FILE));
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return { version, folder, known: false };
}

async function isWhole(folder: string, version: string): Promise<boolean> {
  const manifest = await readManifest(join(folder, MANIFEST_FILE)).catch(() => undefined);
  return manifest !== undefined && modelVersion(manifest.files) === version;
}
