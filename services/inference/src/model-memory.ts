import { stat } from "node:fs/promises";
import type { InferenceConfig } from "./config.ts";
import { engineCandidates } from "./engine-choice.ts";
import type { LocatedModel } from "./model-directory.ts";

/** As measured with YOLO-NAS S and smaller ones on a CPU: weights twice, and activations of two frames. */
const bytesPerFileByte = 2;
const bytesPerFrameByte = 90;
/** A thread with the runtime. */
const threadBytes = 20 * 1024 ** 2;

/** How much memory a model takes once it is loaded: at least, and about, before that was measured. */
export async function guessMemory(
  { folder, manifest }: Pick<LocatedModel, "folder" | "manifest">,
  config: Pick<InferenceConfig, "executionProvider" | "precision" | "sessions">,
): Promise<{ least: number; about: number }> {
  const { candidates } = engineCandidates({ folder, manifest }, config.executionProvider, config.precision);
  const sizes = await Promise.all(
    candidates.map(({ path }) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  const { width, height } = manifest.frame;
  const largest = Math.max(0, ...sizes);
  const each = bytesPerFileByte * largest + bytesPerFrameByte * 3 * width * height + threadBytes;
  return { least: config.sessions * largest, about: config.sessions * each };
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}
