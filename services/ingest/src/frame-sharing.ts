import type { FrameHandle } from "@sightline/contracts";
import { ArenaUnavailableError, DeadArenas, FrameArena } from "@sightline/frame-arena";
import type { Logger } from "@sightline/service";

/**
 * How a frame is handed over: as a handle of shared memory, or as bytes because the worker cannot read this memory (of another
 * host, or of an earlier version), its bound is reached, the tmpfs is full, or there is none.
 */
export type HandOver = "handle" | "worker" | "full" | "no_space" | "unavailable";
export const handOvers: readonly HandOver[] = ["handle", "worker", "full", "no_space", "unavailable"];

export interface FrameSharingOptions {
  /** The tmpfs. */
  directory: string;
  /** Bytes that the frames may take there; auto follows the number of cameras, 0 shares nothing. */
  limitBytes: number | "auto";
  /** Cameras that this process has. */
  cameras: () => number;
  /** Told how each frame is handed over. */
  handed: (how: HandOver) => void;
  log: Logger;
}

/** A camera's frames at workers at a time: several are in batches, and a silent worker's stay for 12 s. */
const framesPerCamera = 8;
const leastFrames = 64;
/** How often room is looked for, and where there is no shared memory, whether there is now. */
const roomMs = 1_000;
const openMs = 10_000;
/** There is enough again when none has lacked for so long; until then it would be told with every other frame. */
const calmMs = 10_000;

/** Shares the pixels of frames with workers of this host, who get handles. */
export class FrameSharing {
  readonly #options: FrameSharingOptions;
  readonly #dead: DeadArenas | undefined;
  #arena: FrameArena | undefined;
  #openedAt = 0;
  #roomBytes = 0;
  #roomAt = -Infinity;
  /** What was told, and when a frame was last refused. */
  #refused: HandOver | undefined;
  #refusedAt = 0;

  constructor(options: FrameSharingOptions) {
    this.#options = options;
    if (options.limitBytes === 0) return;
    this.#dead = new DeadArenas(options.directory);
    this.#open();
  }

  /** The arena that workers may read; undefined without one. */
  get arena(): string | undefined {
    return this.#arena?.id || undefined;
  }

  get usedBytes(): number {
    return this.#arena?.usedBytes ?? 0;
  }

  /** Puts the pixels where a worker reads them who can read the arenas in `readable`; undefined when it must have bytes. */
  share(pixels: Uint8Array, readable: string | undefined): FrameHandle | undefined {
    const placed = this.#place(pixels, readable);
    const how = typeof placed === "string" ? placed : "handle";
    this.#options.handed(how);
    // That a worker is on another host is nothing to be told.
    if (this.#dead && how !== "worker") this.#tell(how);
    return typeof placed === "string" ? undefined : placed;
  }

  /** The memory may be used again. */
  free(handle: FrameHandle): void {
    this.#arena?.free(handle);
  }

  async stop(): Promise<void> {
    await this.#dead?.stop();
    await this.#arena?.stop();
  }

  #open(): void {
    const { directory, limitBytes, log } = this.#options;
    this.#openedAt = performance.now();
    try {
      this.#arena = new FrameArena(directory);
      this.#refused = undefined;
      log.info({ directory, bytes: limitBytes }, "workers on this host get frames through shared memory");
    } catch (error) {
      if (!(error instanceof ArenaUnavailableError)) throw error;
      if (this.#refused === undefined)
        log.warn({ err: error }, "there is no shared memory for frames, so workers get them as bytes");
      this.#refused = "unavailable";
    }
  }

  #place(pixels: Uint8Array, readable: string | undefined): FrameHandle | Exclude<HandOver, "handle"> {
    if (this.#dead && !this.#arena && performance.now() - this.#openedAt > openMs) this.#open();
    const id = this.arena;
    if (!this.#arena || id === undefined) return "unavailable";
    if (!readable?.split(",").includes(id)) return "worker";
    const limit = this.#limit(pixels.byteLength);
    const placed = this.#arena.put(pixels, limit.bytes);
    return placed === "full" && limit.isRoom ? "no_space" : placed;
  }

  /** How large the arena may be, and whether that is what the tmpfs has room for. */
  #limit(frameBytes: number): { bytes: number; isRoom: boolean } {
    const { limitBytes, cameras } = this.#options;
    if (limitBytes !== "auto") return { bytes: limitBytes, isRoom: false };
    const wanted = frameBytes * Math.max(leastFrames, framesPerCamera * cameras());
    const now = performance.now();
    if (this.#arena && now - this.#roomAt > roomMs) {
      this.#roomBytes = this.#arena.roomBytes;
      this.#roomAt = now;
    }
    return { bytes: Math.min(this.#roomBytes, wanted), isRoom: this.#roomBytes < wanted };
  }

  /** Says once that memory lacks, and once that it does not any more. */
  #tell(how: Exclude<HandOver, "worker">): void {
    const { directory, log } = this.#options;
    const now = performance.now();
    if (how === "handle") {
      if (this.#refused === undefined || now - this.#refusedAt < calmMs) return;
      this.#refused = undefined;
      log.info("shared memory has room for frames again");
      return;
    }
    this.#refusedAt = now;
    if (this.#refused !== undefined) return;
    this.#refused = how;
    if (how === "full")
      log.warn(
        { usedBytes: this.usedBytes },
        "the shared memory for frames is full, so some frames are sent as bytes; raise SIGHTLINE_FRAME_MEMORY_MIB",
      );
    else if (how === "no_space")
      log.warn({ directory }, `${directory} is full, so frames are sent as bytes; make it larger`);
    else log.warn({ directory }, "the shared memory for frames is gone, so frames are sent as bytes");
  }
}
