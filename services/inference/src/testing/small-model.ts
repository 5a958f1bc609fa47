import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import {
  type ArchitectureSpec,
  buildModel,
  describeFiles,
  i420Input,
  preparedMetadata,
  prepareModel,
  SeededWeights,
  saveModel,
  writeManifest,
} from "@sightline/yolo-nas";
import { VERSIONS_FOLDER } from "../model-directory.ts";

const stage = { out: 16, blocks: 1, hidden: 8, concat: false };
/** YOLO-NAS's structure with only a few channels, so that it loads and runs in milliseconds. */
const architecture: ArchitectureSpec = {
  name: "yolo_nas_test",
  stem: 8,
  stages: [stage, stage, stage, stage],
  sppOut: 16,
  sppKernels: [5, 9, 13],
  neck: [stage, stage, stage, stage],
  heads: [8, 8, 8],
  regMax: 16,
};

export const smallModelClasses = ["person", "car", "dog"];

/**
 * Writes a small prepared FP32 model with random weights into `directory/name`. Its score threshold is so low that there
 * are always detections. With `readsI420`, its file reads frames like an engine that was built for it. With `overflows`,
 * any frame that is not black gives output that is not finite. With `asVersion`, it is stored among the model's further
 * versions instead. Returns its version.
 */
export async function writeSmallModel(
  directory: string,
  name: string,
  options: {
    side?: number;
    overflows?: boolean;
    seed?: number;
    asVersion?: boolean;
    readsI420?: boolean;
  } = {},
): Promise<string> {
  const side = options.side ?? 64;
  const size = { width: side, height: side, classes: smallModelClasses };
  const graph = prepareModel(buildModel(architecture, new SeededWeights(options.seed ?? 7), size));
  if (options.overflows) {
    const factor = graph.initializers.get("frames.factor")!;
    graph.initializers.set("frames.factor", { ...factor, data: Float32Array.of(3e38) } as typeof factor);
  }
  const folder = join(directory, name, ...(options.asVersion ? [VERSIONS_FOLDER, "new"] : []));
  await mkdir(folder, { recursive: true });
  await saveModel(options.readsI420 ? i420Input(graph) : graph, join(folder, "model.fp32.onnx"));
  const manifest = await describeFiles(folder, {
    name,
    architecture: architecture.name,
    metadata: preparedMetadata(graph.metadata),
    files: { fp32: "model.fp32.onnx" },
  });
  const thresholds = { ...manifest.thresholds, score: 0.001 };
  await writeManifest(folder, { ...manifest, thresholds });
  if (options.asVersion) await rename(folder, join(directory, name, VERSIONS_FOLDER, manifest.version));
  return manifest.version;
}
