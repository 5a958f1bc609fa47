import { closeSync, constants, ftruncateSync, lstatSync, openSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { arenaFolder, arenaOwner, isRunning } from "./arena-file.ts";

/** How often an arena's process shows that it is alive, in milliseconds. */
export const beatMs = 5_000;
const lookMs = 10_000;
/** If the process of an arena cannot be looked up and nobody has written to the arena for this long, it belongs to nobody. */
const silentMs = 6 * beatMs;

/** Removes arenas whose process is gone, at once and then regularly: a killed process cannot remove its own. */
export class DeadArenas {
  readonly #directory: string;
  readonly #now: () => number;
  /** For arenas whose process cannot be looked up: the last sign of life, and when it was first seen. */
  readonly #seen = new Map<string, { beat: number; at: number }>();
  readonly #timer: NodeJS.Timeout;

  /** `now`: monotonic milliseconds. */
  constructor(directory: string, now: () => number = () => performance.now()) {
    this.#directory = directory;
    this.#now = now;
    this.remove();
    this.#timer = setInterval(() => this.remove(), lookMs).unref();
  }

  /** Removes the arenas that are dead now. */
  remove(): void {
    let folder: string;
    let names: string[];
    try {
      folder = arenaFolder(this.#directory, false);
      names = readdirSync(folder);
    } catch {
      return;
    }
    for (const known of this.#seen.keys()) if (!names.includes(known)) this.#seen.delete(known);
    for (const name of names) if (this.#isDead(folder, name)) removeArena(join(folder, name));
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  #isDead(folder: string, name: string): boolean {
    const owner = arenaOwner(name);
    const running = owner && isRunning(owner);
    if (!owner || running === true) return false;
    if (running === false) return true;
    const beat = lstatSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs;
    if (beat === undefined) return false;
    // Only a change counts, not the value itself: wall clocks can be set.
    const seen = this.#seen.get(name);
    if (seen?.beat === beat) return this.#now() - seen.at > silentMs;
    this.#seen.set(name, { beat, at: this.#now() });
    return false;
  }
}

/** Frees the memory even while a worker still has the file open. */
export function removeArena(path: string): void {
  for (const step of [() => emptyFile(path), () => unlinkSync(path)])
    try {
      step();
    } catch {
      // Another process was faster, or the entry is not a file.
    }
}

/** Empties a file; it never follows a link. */
function emptyFile(path: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    ftruncateSync(fd);
  } finally {
    closeSync(fd);
  }
}
