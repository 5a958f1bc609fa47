import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/**
 * A folder in memory that can be filled up: a tmpfs of 4 MiB where one can be mounted. Elsewhere a folder of /dev/shm, and
 * the process that writes there is limited (RLIMIT_FSIZE).
 */
export class LittleMemory {
  readonly directory: string;
  readonly #mounted: boolean;

  constructor() {
    this.directory = mkdtempSync("/dev/shm/sightline-test-");
    this.#mounted =
      spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", this.directory]).status === 0;
  }

  /**
   * Takes all remaining room: from the running process, or from one that will be started (only where a tmpfs could be
   * mounted).
   */
  fill(ingest?: { pid: number }): void {
    if (!this.#mounted) {
      if (ingest) limitFiles(ingest.pid, "4096");
      return;
    }
    const file = openSync(this.#filler, "w");
    const block = Buffer.alloc(4096);
    try {
      while (writeSync(file, block) === block.length);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Gives the room back. */
  empty({ pid }: { pid: number }): void {
    if (this.#mounted) rmSync(this.#filler);
    else limitFiles(pid, "unlimited");
  }

  remove(): void {
    if (this.#mounted) spawnSync("umount", [this.directory]);
    rmSync(this.directory, { recursive: true, force: true });
  }

  get #filler(): string {
    return join(this.directory, "filler");
  }
}

/** Only the soft limit, which can be raised again. */
function limitFiles(pid: number, bytes: string): void {
  const { status, stderr } = spawnSync("prlimit", [`--pid=${pid}`, `--fsize=${bytes}:`]);
  if (status !== 0) throw new Error(`prlimit failed: ${stderr}`);
}
