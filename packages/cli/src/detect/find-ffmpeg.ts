import { constants } from "node:fs";
import { access } from "node:fs/promises";

/** The ffmpeg to run: `FFMPEG_PATH`, else the one installed with the packages, else PATH's. */
export async function findFfmpeg(): Promise<string> {
  if (process.env.FFMPEG_PATH) return process.env.FFMPEG_PATH;
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
