import { lstatSync, mkdirSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** Frames cannot be shared in this directory; the message says why, and what to do where something can be done. */
export class ArenaUnavailableError extends Error {
  override readonly name = "ArenaUnavailableError";
}

/** What statfs says of a tmpfs. */
const tmpfsType = 0x01021994;

/**
 * The folder of this user's arenas in `directory`, made when `create` is set. Only its owner can look into it.
 * @throws ArenaUnavailableError when there is none that is private and in memory
 */
export function arenaFolder(directory: string, create: boolean): string {
  const user = process.getuid?.();
  if (user === undefined) throw new ArenaUnavailableError("this system has no shared memory for frames");
  const folder = join(directory, `sightline-${user}`);
  try {
    // A folder of a disk would be slower than the network.
    if (statfsSync(directory).type !== tmpfsType)
      throw new ArenaUnavailableError(`${directory} is not a tmpfs, that is, not in memory`);
    if (create) mkdirSync(folder, { mode: 0o700, recursive: true });
    const found = lstatSync(folder);
    // Everyone may write to /dev/shm, so another user may have put something there under our name.
    if (!found.isDirectory() || found.uid !== user || (found.mode & 0o077) !== 0)
      throw new ArenaUnavailableError(`${folder} is not a folder of this user alone (mode 0700); remove it`);
  } catch (error) {
    if (error instanceof ArenaUnavailableError) throw error;
    throw new ArenaUnavailableError(`no folder for frames in ${directory}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return folder;
}
