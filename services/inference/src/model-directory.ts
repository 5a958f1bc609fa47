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
import { WorkerError } from "./errors.ts";
import { KnownManifests } from "./known-manifests.ts";

const detectors = new KnownManifests(parseManifest);
/** By the manifests of their folders. */
const classifiers = new KnownManifests((path) => parseClassifier(dirname(path)));

/** Folder in a model's folder that contains one folder for each further version, named after it. */
export const VERSIONS_FOLDER = "versions";

/** The directories of a setting that names one or several, in search order. */
export function modelRoots(directory: string): [string, ...string[]] {
  const roots = directory.split(delimiter).flatMap((root) => (root === "" ? [] : resolve(root)));
  return roots.length > 0 ? (roots as [string, ...string[]]) : [resolve(directory)];
}

/** A model that was found by name; the digests of its files are checked. */
export interface LocatedModel {
  folder: string;
  manifest: ModelManifest;
  /** Its version, from the digest of its files. */
  version: string;
}

/**
 * Finds a model by its name: the given version, or the one in the model's own folder.
 * @throws WorkerError model_not_found with a list of the available ones
 * @throws ModelFileError when the manifest or a file of the model is broken
 */
export async function findModel(directory: string, name: string, version?: string): Promise<LocatedModel> {
  if (version !== undefined) return findVersion(directory, name, version);
  for (const folder of ownFolders(directory, name))
    if (await exists(join(folder, MANIFEST_FILE))) return open(folder, name);
  const known = await modelNames(directory);
  throw new WorkerError(
    "model_not_found",
    `no model '${name}' in ${placeWords(directory)}; ` +
      (known.length > 0
        ? `there ${known.length === 1 ? "is" : "are"}: ${known.join(", ")}`
        : "there is none"),
  );
}

/**
 * Reads a model's manifest without checking its files: the given version, or the one in the model's own folder.
 * @throws ModelFileError, WorkerError model_not_found when it does not exist or its manifest is broken
 */
export async function peekModel(directory: string, name: string, version?: string): Promise<LocatedModel> {
  const own = ownFolders(directory, name);
  const found = (await places(directory, name)).find((each) =>
    version === undefined ? own.includes(each.folder) : each.version === version,
  );
  if (!found) throw new WorkerError("model_not_found", `no model '${name}' in ${placeWords(directory)}`);
  const manifest = await detectors.get(join(found.folder, MANIFEST_FILE));
  if (manifest.name !== name)
    throw new WorkerError(
      "model_not_found",
      `${found.folder} names the model '${manifest.name}'; the folder must have the model's name`,
    );
  return { ...found, manifest };
}

async function findVersion(directory: string, name: string, version: string): Promise<LocatedModel> {
  const place = (await places(directory, name)).find((each) => each.version === version);
  const searched = ownFolders(directory, name).flatMap((folder) => [folder, join(folder, VERSIONS_FOLDER)]);
  if (!place)
    throw new WorkerError(
      "model_not_found",
      `version ${version} of the model '${name}' is not in ${searched.join(" nor in ")}; ` +
        "`sightline model install` puts it there",
    );
  return open(place.folder, name, version);
}

async function open(folder: string, name: string, version?: string): Promise<LocatedModel> {
  const path = join(folder, MANIFEST_FILE);
  const manifest = await readManifest(path);
  if (manifest.name !== name)
    throw new WorkerError(
      "model_not_found",
      `${path} names the model '${manifest.name}'; the folder must have the model's name`,
    );
  const found = modelVersion(manifest.files);
  if (version !== undefined && found !== version)
    throw new WorkerError(
      "model_not_found",
      `${folder} holds version ${found}, not ${version}; install it again`,
    );
  return { folder, manifest, version: found };
}

/** The available versions of a model, without checking their files; the one in the model's own folder comes first. */
export async function listVersions(directory: string, name: string): Promise<string[]> {
  const found = await places(directory, name);
  return [...new Set(found.map(({ version }) => version))];
}

/** Names of the available detectors, sorted. */
export async function modelNames(directory: string): Promise<string[]> {
  const names = new Set<string>();
  // A classifier does not serve cameras; it is for second stages.
  for (const { name, folder } of await modelFolders(directory))
    if (!(await classifiers.get(join(folder, MANIFEST_FILE)).catch(() => undefined))) names.add(name);
  return [...names].sort();
}

/** The available classifiers, by name. */
export async function findClassifiers(
  directory: string,
): Promise<Map<string, { folder: string; manifest: ClassifierManifest }>> {
  const found = new Map<string, { folder: string; manifest: ClassifierManifest }>();
  for (const { name, folder } of await modelFolders(directory)) {
    // A folder that cannot be read is reported when it is requested as a detector.
    const manifest = await classifiers.get(join(folder, MANIFEST_FILE)).catch(() => undefined);
    if (manifest?.name === name && !found.has(name)) found.set(name, { folder, manifest });
  }
  return found;
}

/** Every model's own folder, beginning with those of the first directory. */
async function modelFolders(directory: string): Promise<{ name: string; folder: string }[]> {
  const folders: { name: string; folder: string }[] = [];
  for (const root of modelRoots(directory)) {
    const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
    // Folders that are still being written begin with a dot.
    for (const { name } of entries)
      if (!name.startsWith(".") && (await exists(join(root, name, MANIFEST_FILE))))
        folders.push({ name, folder: join(root, name) });
  }
  return folders;
}

/** The folders that may belong to this model. */
function ownFolders(directory: string, name: string): string[] {
  return modelRoots(directory).map((root) => join(root, name));
}

function placeWords(directory: string): string {
  return modelRoots(directory).join(" nor in ");
}

/**
 * The folders that contain versions of a model, its own folder first. A folder without a readable manifest contains none.
 */
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

/**
 * Ingest scales frames to the model's input, so the frames in progress would not fit a session with another input.
 * @throws WorkerError frame_size_differs
 */
export function checkSameFrames(running: ModelManifest, other: ModelManifest): void {
  const words = ({ frame, fit, padValue, placement }: ModelManifest) =>
    `${frame.width}x${frame.height} with pictures of ${fit.width}x${fit.height} (${placement ?? "centre"}) on ${padValue}`;
  if (words(running) === words(other)) return;
  throw new WorkerError(
    "frame_size_differs",
    `it takes frames of ${words(other)}, but the running version takes ${words(running)}; give a model with other frames another name`,
  );
}
