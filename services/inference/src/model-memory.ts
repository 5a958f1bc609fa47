import { stat } from "node:fs/promises";
import type { InferenceConfig } from "./config.ts";
import { engineCandidates } from "./engine-choice.ts";
import type { LocatedModel } from "./model-directory.ts";

/** As measured with YOLO-NAS S and smaller ones on a CPU: weights twice, and activations of two frames. */
const bytesPerFileByte = 2;
const bytesPerFrameByte = 90;
/** A thread with the runtime. */
const threadBytes = 20 * 1024 ** 2;
/** A model that has run within so long is in use: it makes no room for another. */
const inUseMs = 10_000;

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

/** A model that is loaded, and how much it is needed. */
export interface LoadedModel {
  name: string;
  bytes: number;
  /** Whether a camera asks for it. */
  isAsked: boolean;
  /** When it ran last, by the monotonic clock that `now` is of. */
  ranAt: number;
}

/**
 * Which models may be unloaded for another, in this order: those that no camera asks for, and, where frames wait for the other
 * (`isWanted`), those that have not run for some time.
 */
export function idleModels(loaded: readonly LoadedModel[], isWanted: boolean, now: number): LoadedModel[] {
  return loaded
    .filter(({ isAsked, ranAt }) => !isAsked || (isWanted && now - ranAt >= inUseMs))
    .sort((a, b) => Number(a.isAsked) - Number(b.isAsked) || a.ranAt - b.ranAt);
}

/** Why a model that needs so much has no room; `free` bytes of `limit` are, and `others` have the rest. */
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
