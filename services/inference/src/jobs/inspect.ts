import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Inspection } from "@sightline/contracts";
import {
  describeModel,
  loadModel,
  MANIFEST_FILE,
  type ModelPrecision,
  modelWords,
  readManifest,
  UnknownModelError,
} from "@sightline/yolo-nas";

/**
 * Describes the files of a model's version, as `sightline model inspect` prints it.
 * @throws ModelFileError when the manifest or a file is broken
 */
export async function inspect(folder: string, model: string, version: string): Promise<Inspection> {
  const manifest = await readManifest(join(folder, MANIFEST_FILE));
  const files: Inspection["files"] = [];
  for (const [encoding, { file, sha256 }] of Object.entries(manifest.files)) {
    const path = join(folder, file);
    const accuracy = manifest.accuracy?.[encoding as ModelPrecision];
    const measuredOn = manifest.accuracyOn?.[encoding as ModelPrecision];
    files.push({
      ...{ encoding, file, sha256, bytes: (await stat(path)).size, words: await wordsOf(path) },
      ...(accuracy === undefined ? {} : { accuracy }),
      ...(measuredOn === undefined ? {} : { measuredOn }),
    });
  }
  const { architecture, frame, classes } = manifest;
  return { model, version, architecture, ...frame, classes: [...classes], files };
}

async function wordsOf(path: string): Promise<string[]> {
  try {
    const graph = await loadModel(path);
    return modelWords(graph, describeModel(graph));
  } catch (error) {
    // The wrapper of an engine contains no graph that could be described.
    if (error instanceof UnknownModelError) return [];
    throw error;
  }
}
