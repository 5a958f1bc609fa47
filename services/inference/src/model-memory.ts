import { stat } from "node:fs/promises";
import type { InferenceConfig } from "./config.ts";
import { engineCandidates } from "./engine-choice.ts";
import type { LocatedModel } from "./model-directory.ts";

/** Measured with YOLO-NAS S and smaller models on a CPU: the weights twice, and activations of two frames. */
const bytesPerFileByte = 2;
const bytesPerFrameByte = 90;
/** A thread with the runtime. */
const threadBytes = 20 * 1024 ** 2;
/** A model that has run within this time is in use: it is not unloaded for another. */
const inUseMs = 10_000;

/** How much memory a loaded model uses, before it was measured: at least, and approximately. */
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

/** A loaded model, and how much it is needed. */
export interface LoadedModel {
  name: string;
  bytes: number;
  /** Whether a camera requests it. */
  isAsked: boolean;
  /** When it last ran, by the same monotonic clock as `now`. */
  ranAt: number;
}

/**
 * Which models may be unloaded for another, in this order: those that no camera requests; then, where frames wait for the
 * other model (`isWanted`), those that have not run for some time.
 */
export function idleModels(loaded: readonly LoadedModel[], isWanted: boolean, now: number): LoadedModel[] {
  return loaded
    .filter(({ isAsked, ranAt }) => !isAsked || (isWanted && now - ranAt >= inUseMs))
    .sort((a, b) => Number(a.isAsked) - Number(b.isAsked) || a.ranAt - b.ranAt);
}

/** Why a model that needs this much has no room: `free` bytes of `limit` are free, and `others` use the rest. */
export function noRoom(
  needed: number,
  limit: number,
  free: number,
  others: readonly (readonly [name: string, bytes: number])[],
): string {
  return (
    `it needs about ${megabytes(needed)}, and of ${megabytes(limit)} for models ${megabytes(Math.max(0, free))} are free; ` +
    `loaded: ${others.map(([name, bytes]) => `${name} (${megabytes(bytes)})`).join(", ")}`
  );
}
