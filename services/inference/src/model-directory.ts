import { access, readdir } from "node:fs/promises";
import { delimiter, dirname, join, resolve } from "node:path";
import {
  type ClassifierManifest,
  MANIFEST_FILE,
  type ModelManifest,
  modelVersion,
  parseClassifier,
  parseManifest,
  readManifest,
} from "@sightline/yolo-nas";
import { KnownManifests } from "./known-manifests.ts";

const detectors = new KnownManifests(parseManifest);
/** By their folders' manifests. */
const classifiers = new KnownManifests((path) => parseClassifier(dirname(path)));

/** In a model's folder, the folder with one folder for each further version, named for it. */
export const VERSIONS_FOLDER = "versions";

/** The model asked for is not in the model directory, or not under its own name. */
export class ModelNotFoundError extends Error {
  override readonly name = "ModelNotFoundError";
}

/** The directories of a setting that names one or several, in the order in which they are looked at. */
export function modelRoots(directory: string): [string, ...string[]] {
  const roots = directory.split(delimiter).flatMap((root) => (root === "" ? [] : resolve(root)));
  return roots.length > 0 ? (roots as [string, ...string[]]) : [resolve(directory)];
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
  if (version !== undefined) return findVersion(directory, name, version);
  for (const folder of ownFolders(directory, name))
    if (await exists(join(folder, MANIFEST_FILE))) return open(folder, name);
  const known = await modelNames(directory);
  throw new ModelNotFoundError(
    `no model '${name}' in ${placeWords(directory)}; ` +
      (known.length > 0
        ? `there ${known.length === 1 ? "is" : "are"}: ${known.join(", ")}`
        : "there is none"),
  );
}

/**
 * What a model is, without a look at its files: the version asked for, or the one in its own folder.
 * @throws ModelNotFoundError, ModelFileError when it is not there or its manifest is broken
 */
export async function peekModel(directory: string, name: string, version?: string): Promise<LocatedModel> {
  const own = ownFolders(directory, name);
  const found = (await places(directory, name)).find((each) =>
    version === undefined ? own.includes(each.folder) : each.version === version,
  );
  if (!found) throw new ModelNotFoundError(`no model '${name}' in ${placeWords(directory)}`);
  const manifest = await detectors.get(join(found.folder, MANIFEST_FILE));
  if (manifest.name !== name)
    throw new ModelNotFoundError(
      `${found.folder} names the model '${manifest.name}'; the folder must have the model's name`,
    );
  return { ...found, manifest };
}

async function findVersion(directory: string, name: string, version: string): Promise<LocatedModel> {
  const place = (await places(directory, name)).find((each) => each.version === version);
  const searched = ownFolders(directory, name).flatMap((folder) => [folder, join(folder, VERSIONS_FOLDER)]);
  if (!place)
    throw new ModelNotFoundError(
      `version ${version} of the model '${name}' is not in ${searched.join(" nor in ")}; ` +
        "`sightline model install` puts it there",
    );
  return open(place.folder, name, version);
}

async function open(folder: string, name: string, version?: string): Promise<LocatedModel> {
  const path = join(folder, MANIFEST_FILE);
  const manifest = await readManifest(path);
  if (manifest.name !== name)
    throw new ModelNotFoundError(
      `${path} names the model '${manifest.name}'; the folder must have the model's name`,
    );
  const found = modelVersion(manifest.files);
  if (version !== undefined && found !== version)
    throw new ModelNotFoundError(`${folder} holds version ${found}, not ${version}; install it again`);
  return { folder, manifest, version: found };
}

/** The versions of a model that are there, without a look at their files: that in its own folder first. */
export async function listVersions(directory: string, name: string): Promise<string[]> {
  const found = await places(directory, name);
  return [...new Set(found.map(({ version }) => version))];
}

/** Names of the detectors that are there, sorted. */
export async function modelNames(directory: string): Promise<string[]> {
  const names = new Set<string>();
  // A classifier serves no camera; it is for second stages.
  for (const { name, folder } of await modelFolders(directory))
    if (!(await classifiers.get(join(folder, MANIFEST_FILE)).catch(() => undefined))) names.add(name);
  return [...names].sort();
}

/** The classifiers that are there, by name. */
export async function findClassifiers(
  directory: string,
): Promise<Map<string, { folder: string; manifest: ClassifierManifest }>> {
  const found = new Map<string, { folder: string; manifest: ClassifierManifest }>();
  for (const { name, folder } of await modelFolders(directory)) {
    // A folder that cannot be read is told of when it is asked for as a detector.
    const manifest = await classifiers.get(join(folder, MANIFEST_FILE)).catch(() => undefined);
    if (manifest?.name === name && !found.has(name)) found.set(name, { folder, manifest });
  }
  return found;
}

/** Every model's own folder, those of the first directory first. */
async function modelFolders(directory: string): Promise<{ name: string; folder: string }[]> {
  const folders: { name: string; folder: string }[] = [];
  for (const root of modelRoots(directory)) {
    const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
    // What is being written has a dot in front.
    for (const { name } of entries)
      if (!name.startsWith(".") && (await exists(join(root, name, MANIFEST_FILE))))
        folders.push({ name, folder: join(root, name) });
  }
  return folders;
}

/** The folders that a model may have for itself. */
function ownFolders(directory: string, name: string): string[] {
  return modelRoots(directory).map((root) => join(root, name));
}

function placeWords(directory: string): string {
  return modelRoots(directory).join(" nor in ");
}

/** The folders that hold versions of a model, its own first. A folder without a manifest that can be read holds none. */
async function places(directory: string, name: string): Promise<{ version: string; folder: string }[]> {
  const own = ownFolders(directory, name);
  const more = await Promise.all(
    own.map(async (folder) => {
      const versions = join(folder, VERSIONS_FOLDER);
      return (await readdir(versions).catch(() => [])).sort().map((each) => join(versions, each));
    }),
  );
  const found: { version: string; folder: string }[] = [];
  for (const place of [...own, ...more.flat()]) {
    const manifest = await detectors.get(join(place, MANIFEST_FILE)).catch(() => undefined);
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

/** A model takes other frames than the one that runs. */
class FrameSizeError extends Error {
  override readonly name = "FrameSizeError";
}

/**
 * Frames are scaled to the model's input by ingest: those under way would fit no session of another form.
 * @throws FrameSizeError
 */
export function checkSameFrames(running: ModelManifest, other: ModelManifest): void {
  const words = ({ frame, fit, padValue, placement }: ModelManifest) =>
    `${frame.width}x${frame.height} with pictures of ${fit.width}x${fit.height} (${placement ?? "centre"}) on ${padValue}`;
  if (words(running) === words(other)) return;
  throw new FrameSizeError(
    `it takes frames of ${words(other)}, but the running version takes ${words(running)}; give a model with other frames another name`,
  );
}
