import { closeSync, constants, ftruncateSync, lstatSync, openSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { arenaFolder, arenaOwner, isRunning } from "./arena-file.ts";

/** How often an arena's process gives a sign of life, in milliseconds. */
export const beatMs = 5_000;
const lookMs = 10_000;
/** An arena of a process that cannot be looked up, and that nobody has written to for so long, is nobody's. */
const silentMs = 6 * beatMs;

/** Removes arenas whose process is gone, at once and again and again: a killed process cannot remove its own. */
export class DeadArenas {
  readonly #directory: string;
  readonly #now: () => number;
  /** Of arenas whose process cannot be looked up: the last sign of life, and when it was first seen. */
  readonly #seen = new Map<string, { beat: number; at: number }>();
  readonly #timer: NodeJS.Timeout;

  /** `now`: monotonic milliseconds. */
  constructor(directory: string, now: () => number = () => performance.now()) {
    this.#directory = directory;
    this.#now = now;
    this.remove();
    this.#timer = setInterval(() => this.remove(), lookMs).unref();
  }

  /** Removes those that are dead now. */
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
    // By whether it changes, not by what it says: wall clocks are set.
    const seen = this.#seen.get(name);
    if (seen?.beat === beat) return this.#now() - seen.at > silentMs;
    this.#seen.set(name, { beat, at: this.#now() });
    return false;
  }
}

/** Gives the memory back even while a worker still has the file open. */
export function removeArena(path: string): void {
  for (const step of [() => emptyFile(path), () => unlinkSync(path)])
    try {
      step();
    } catch {
      // Another process was faster, or what is there is no file.
    }
}

/** Empties a file; never one that a link in its place leads to. */
function emptyFile(path: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    ftruncateSync(fd);
  } finally {
    closeSync(fd);
  }
}
