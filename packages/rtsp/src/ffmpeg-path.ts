import { constants } from "node:fs";
import { access } from "node:fs/promises";

/** The ffmpeg to run: the configured one, the one installed with the packages if its binary is there, or PATH's. */
export async function findFfmpeg(configured: string | undefined): Promise<string> {
  if (configured !== undefined) return configured;
  try {
    // Through a variable: an optional dependency may be absent, also for the type checker.
    const specifier = "ffmpeg-static";
    const { default: path } = (await import(specifier)) as { default: string | null };
    if (path !== null) {
      await access(path, constants.X_OK);
      return path;
    }
  } catch {
    // Not installed, or its download was not possible.
  }
  return "ffmpeg";
}
