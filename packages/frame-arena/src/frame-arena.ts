import { closeSync, fstatSync, futimesSync, openSync, statfsSync, writeSync, writevSync } from "node:fs";
import { join } from "node:path";
import type { FrameHandle } from "@sightline/contracts";
import { ArenaUnavailableError, arenaFolder, arenaKey, newArenaName } from "./arena-file.ts";
import { beatMs, removeArena } from "./dead-arenas.ts";
import { Space } from "./space.ts";

/**
 * Why a frame has no place: `full` means that the limit is reached; `no_space` means that the tmpfs has no space or refuses the write.
 */
export type Refusal = "full" | "no_space";

/** Slots start at page boundaries: this makes copying into and out of them up to four times as fast. */
const pageBytes = 4096;
/** The unit in which stat counts a file's memory. */
const blockBytes = 512;
/** Bytes of the mark after a frame's pixels. */
export const markBytes = 16;
const noMark = Buffer.alloc(markBytes);

/** Frames in shared memory, written by one process: a file on a tmpfs, private to the user. */
export class FrameArena {
  readonly #directory: string;
  readonly #mark = Buffer.alloc(markBytes);
  readonly #timer: NodeJS.Timeout;
  #space = new Space();
  #path = "";
  #fd = -1;
  #id = "";
  #generation = 0;

  /** @throws ArenaUnavailableError when there is no shared memory in `directory` */
  constructor(directory: string) {
    this.#directory = directory;
    this.#open();
    this.#timer = setInterval(() => this.#beat(), beatMs).unref();
  }

  /** Name of this arena for its readers; empty while there is none. */
  get id(): string {
    return this.#id;
  }

  /** Bytes that hold frames. */
  get usedBytes(): number {
    return this.#space.used;
  }

  /** Bytes that this arena may reasonably use now: half of the tmpfs's free space plus the file's size, and never less than the file's size. */
  get roomBytes(): number {
    if (this.#fd < 0) return 0;
    const held = fstatSync(this.#fd).blocks * blockBytes;
    try {
      const { bavail, bsize } = statfsSync(this.#directory);
      return Math.max(held, Math.floor((held + bavail * bsize) / 2));
    } catch {
      // The directory is gone; the file still exists as long as it is open.
      return held;
    }
  }

  /** Stores a frame's pixels without growing the file beyond `bound` bytes. They stay until they are freed. */
  put(pixels: Uint8Array, bound: number): FrameHandle | Refusal {
    const bytes = slotBytes(pixels.byteLength);
    const offset = this.#space.take(bytes, bound);
    if (offset === undefined) return "full";
    const generation = ++this.#generation;
    writeMark(this.#mark, this.#id, generation);
    try {
      const written = writevSync(this.#fd, [pixels, this.#mark], offset);
      if (written === pixels.byteLength + markBytes)
        return { arena: this.#id, offset, generation, bytes: pixels.byteLength };
    } catch {
      // Usually ENOSPC.
    }
    this.#space.give(offset, bytes);
    return "no_space";
  }

  /** The slot may be used again. A reader that is still reading it will notice. */
  free({ arena, offset, bytes }: FrameHandle): void {
    if (arena !== this.#id) return;
    try {
      writeSync(this.#fd, noMark, 0, markBytes, offset + bytes);
      this.#space.give(offset, slotBytes(bytes));
    } catch {
      // Someone has emptied the file and the tmpfs has no space. A slot whose mark may still exist must not be used again.
      this.#close();
    }
  }

  /** Frees the memory. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#close();
  }

  #open(): void {
    const folder = arenaFolder(this.#directory, true);
    const id = newArenaName();
    const path = join(folder, id);
    try {
      this.#fd = openSync(path, "wx", 0o600);
    } catch (error) {
      // It is read-only, or has no space for another file.
      throw new ArenaUnavailableError(
        "not_created",
        `cannot create a file for frames in ${folder}: ${(error as Error).message}`,
        { cause: error },
      );
    }
    this.#path = path;
    this.#id = id;
  }

  #close(): void {
    if (this.#fd < 0) return;
    removeArena(this.#path);
    closeSync(this.#fd);
    this.#fd = -1;
    this.#id = "";
    this.#space = new Space();
  }

  #beat(): void {
    try {
      const now = new Date();
      if (this.#fd >= 0) futimesSync(this.#fd, now, now);
      if (this.#fd >= 0 && fstatSync(this.#fd).nlink > 0) return;
      // Someone has removed the file, for example while cleaning up: nobody can read what is put into it.
      this.#close();
      this.#open();
    } catch {
      // Without it frames travel as bytes; the next beat tries again.
    }
  }
}

/** Size of a frame's slot in the arena. */
export function slotBytes(frameBytes: number): number {
  return Math.ceil((frameBytes + markBytes) / pageBytes) * pageBytes;
}

/**
 * The mark of a frame: it follows the pixels while the slot holds this frame, and is erased before the slot's memory is used again. A
 * reader that reads the pixels and then finds this mark has read this frame completely.
 */
function writeMark(target: Buffer, arena: string, generation: number): void {
  target.write(arenaKey(arena) ?? "", "hex");
  target.writeBigUInt64LE(BigInt(generation), 8);
}

export function isMark(found: Buffer, arena: string, generation: number): boolean {
  return found.readBigUInt64LE(8) === BigInt(generation) && found.toString("hex", 0, 8) === arenaKey(arena);
}
