import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { arenaOwner, isRunning, newArenaName } from "@sightline/frame-arena";
import { IngestError } from "../errors.ts";

const fileName = "in-use";
/** Interval of the sign of life, for a process that cannot be seen from here, for example in another container. */
const lifeMs = 5_000;
const deadAfterMs = 4 * lifeMs;

/** Keeps a folder of recordings for this process alone. A folder that a killed process held is free at once. */
export class FolderLock {
  readonly #path: string;
  readonly #timer: NodeJS.Timeout;

  private constructor(path: string) {
    this.#path = path;
    this.#timer = setInterval(() => this.#live(), lifeMs).unref();
  }

  /** @throws IngestError folder_in_use; or another error when the folder cannot be written to */
  static take(directory: string): FolderLock {
    const path = join(directory, fileName);
    const mine = newArenaName();
    try {
      writeFileSync(path, mine, { flag: "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (isHeld(path))
        throw new IngestError(
          "folder_in_use",
          `another ingest records to ${directory}; give each ingest its own folder (SIGHTLINE_RECORDINGS_DIRECTORY)`,
          { cause: error },
        );
      writeFileSync(path, mine);
    }
    return new FolderLock(path);
  }

  release(): void {
    clearInterval(this.#timer);
    rmSync(this.#path, { force: true });
  }

  #live(): void {
    const now = new Date();
    try {
      utimesSync(this.#path, now, now);
    } catch {
      // The folder is gone; the next write to it reports that.
    }
  }
}

function isHeld(path: string): boolean {
  try {
    const owner = arenaOwner(readFileSync(path, "utf8"));
    if (owner?.pid === process.pid && isRunning(owner)) return true;
    return (owner && isRunning(owner)) ?? Date.now() - statSync(path).mtimeMs < deadAfterMs;
  } catch {
    return false;
  }
}
