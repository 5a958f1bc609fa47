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

/** Shares the pixels of frames with workers of this host, who get handles. */
export class FrameSharing {
  readonly #options: FrameSharingOptions;
  readonly #dead: DeadArenas | undefined;
  readonly #arena: FrameArena | undefined;
  readonly #roomBytes: number = 0;
  #refused: HandOver | undefined;

  constructor(options: FrameSharingOptions) {
    this.#options = options;
    const { directory, limitBytes, log } = options;
    if (limitBytes === 0) return;
    this.#dead = new DeadArenas(directory);
    try {
      this.#arena = new FrameArena(directory);
      this.#roomBytes = this.#arena.roomBytes;
      log.info({ directory, bytes: limitBytes }, "frames are shared in memory with workers of this host");
    } catch (error) {
      if (!(error instanceof ArenaUnavailableError)) throw error;
      log.warn({ err: error }, "no shared memory for frames: they travel to workers as bytes");
    }
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
    if (how === "worker" || how === "unavailable") return undefined;
    if (how !== this.#refused) this.#tell(how);
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

  #place(pixels: Uint8Array, readable: string | undefined): FrameHandle | Exclude<HandOver, "handle"> {
    const id = this.arena;
    if (!this.#arena || id === undefined) return "unavailable";
    if (!readable?.split(",").includes(id)) return "worker";
    return this.#arena.put(pixels, this.#limit(pixels.byteLength));
  }

  #limit(frameBytes: number): number {
    const { limitBytes, cameras } = this.#options;
    if (limitBytes !== "auto") return limitBytes;
    return Math.min(this.#roomBytes, frameBytes * Math.max(leastFrames, framesPerCamera * cameras()));
  }

  /** Says once that memory lacks, and once that it does not any more. */
  #tell(how: HandOver): void {
    const { directory, log } = this.#options;
    if (how === "full")
      log.warn(
        { usedBytes: this.usedBytes },
        "the shared memory for frames is used up: some travel as bytes; SIGHTLINE_FRAME_MEMORY_MIB allows more",
      );
    else if (how === "no_space")
      log.warn({ directory }, `${directory} has no room: frames travel as bytes; make it larger`);
    else if (this.#refused) log.info("there is room for frames in shared memory again");
    this.#refused = how === "handle" ? undefined : how;
  }
}
