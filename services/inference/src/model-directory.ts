import { access, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  MANIFEST_FILE,
  type ModelManifest,
  modelVersion,
  parseManifest,
  readManifest,
} from "@sightline/yolo-nas";

/** In a model's folder, the folder with one folder for each further version, named for it. */
export const VERSIONS_FOLDER = "versions";

/** The model asked for is not in the model directory, or not under its own name. */
export class ModelNotFoundError extends Error {
  override readonly name = "ModelNotFoundError";
}

/** A model found by name; the digests of its files are checked. */
export interface LocatedModel {
  folder: string;
  manifest: ModelManifest;
  /** Which version it is, by the digest of its files. */
  version: string;
}

/**
 * Finds a model by its name: a version of it, or the one that lies in the model's own folder.
 * @throws ModelNotFoundError that lists what is there
 * @throws ModelFileError when the manifest or a file of the model is broken
 */
export async function findModel(directory: string, name: string, version?: string): Promise<LocatedModel> {
  const folder = resolve(directory, name);
  if (version !== undefined) return findVersion(folder, name, version);
  if (!(await exists(join(folder, MANIFEST_FILE)))) {
    const known = await modelNames(directory);
    throw new ModelNotFoundError(
      `no model '${name}' in ${resolve(directory)}; ` +
        (known.length > 0
          ? `there ${known.length === 1 ? "is" : "are"}: ${known.join(", ")}`
          : "there is none"),
    );
  }
  return open(folder, name);
}

/**
 * What a model is, without a look at its files: the version asked for, or the one in its own folder.
 * @throws ModelNotFoundError, ModelFileError when it is not there or its manifest is broken
 */
export async function peekModel(directory: string, name: string, version?: string): Promise<LocatedModel> {
  const folder = resolve(directory, name);
  const found = (await places(folder)).find((each) =>
    version === undefined ? each.folder === folder : each.version === version,
  );
  if (!found) throw new ModelNotFoundError(`no model '${name}' in ${resolve(directory)}`);
  const manifest = await parseManifest(join(found.folder, MANIFEST_FILE));
  if (manifest.name !== name)
    throw new ModelNotFoundError(
      `${found.folder} names its model '${manifest.name}'; a model's folder has its name`,
    );
  return { ...found, manifest };
}

async function findVersion(folder: string, name: string, version: string): Promise<LocatedModel> {
  const place = (await places(folder)).find((each) => each.version === version);
  if (!place)
    throw new ModelNotFoundError(
      `version ${version} of the model '${name}' is not in ${folder} nor in ${join(folder, VERSIONS_FOLDER)}; ` +
        "`sightline model install` puts it there",
    );
  return open(place.folder, name, version);
}

async function open(folder: string, name: string, version?: string): Promise<LocatedModel> {
  const path = join(folder, MANIFEST_FILE);
  const manifest = await readManifest(path);
  if (manifest.name !== name)
    throw new ModelNotFoundError(`${path} names its model '${manifest.name}'; a model's folder has its name`);
  const found = modelVersion(manifest.files);
  if (version !== undefined && found !== version)
    throw new ModelNotFoundError(`${folder} holds version ${found}, not ${version}; install it again`);
  return { folder, manifest, version: found };
}

/** The versions of a model that are there, without a look at their files: that in its own folder first. */
export async function listVersions(directory: string, name: string): Promise<string[]> {
  const found = await places(resolve(directory, name));
  return [...new Set(found.map(({ version }) => version))];
}

/** Names of the models in a directory, sorted. */
export async function modelNames(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const names: string[] = [];
  for (const entry of entries)
    if (entry.isDirectory() && (await exists(join(directory, entry.name, MANIFEST_FILE))))
      names.push(entry.name);
  return names.sort();
}

/** The folders that hold versions of a model. A folder without a manifest that can be read holds none. */
async function places(folder: string): Promise<{ version: string; folder: string }[]> {
  const versions = join(folder, VERSIONS_FOLDER);
  const names = (await readdir(versions).catch(() => [])).sort();
  const found: { version: string; folder: string }[] = [];
  for (const place of [folder, ...names.map((name) => join(versions, name))]) {
    const manifest = await parseManifest(join(place, MANIFEST_FILE)).catch(() => undefined);
    if (manifest) found.push({ version: modelVersion(manifest.files), folder: place });
  }
  return found;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
