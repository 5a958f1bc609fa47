import type { FrameHandle } from "@sightline/contracts";
import { ArenaUnavailableError, DeadArenas, FrameArena } from "@sightline/frame-arena";
import type { Logger } from "@sightline/service";

/**
 * How a frame is handed over: as a handle of shared memory; or as bytes, because the worker cannot read this memory (it is
 * on another host or has an earlier version), the limit is reached, the tmpfs is full, or there is no shared memory.
 */
export type HandOver = "handle" | "worker" | "full" | "no_space" | "unavailable";
export const handOvers: readonly HandOver[] = ["handle", "worker", "full", "no_space", "unavailable"];

export interface FrameSharingOptions {
  /** Folder of the tmpfs. */
  directory: string;
  /** Bytes that the frames may use there; auto follows the number of cameras, 0 shares nothing. */
  limitBytes: number | "auto";
  /** Number of cameras that this process has. */
  cameras: () => number;
  /** Called with how each frame is handed over. */
  handed: (how: HandOver) => void;
  log: Logger;
}

/** Frames of one camera that workers have at a time: several are in batches, and those of a silent worker stay for 12 s. */
const framesPerCamera = 8;
const leastFrames = 64;
/** How often the free space is checked; where there is no shared memory, how often it is looked for. */
const roomMs = 1_000;
const openMs = 10_000;
/**
 * Memory counts as enough again when no frame has been refused for this long; otherwise the log would change with every
 * other frame.
 */
const calmMs = 10_000;

/** Shares the pixels of frames with workers on this host, which get handles. */
export class FrameSharing {
  readonly #options: FrameSharingOptions;
  readonly #dead: DeadArenas | undefined;
  #arena: FrameArena | undefined;
  #openedAt = 0;
  #roomBytes = 0;
  #roomAt = -Infinity;
  /** What was logged, and when a frame was last refused. */
  #refused: HandOver | undefined;
  #refusedAt = 0;

  constructor(options: FrameSharingOptions) {
    this.#options = options;
    if (options.limitBytes === 0) return;
    this.#dead = new DeadArenas(options.directory);
    this.#open();
  }

  /** Name of the arena that workers may read; undefined without one. */
  get arena(): string | undefined {
    return this.#arena?.id || undefined;
  }

  get usedBytes(): number {
    return this.#arena?.usedBytes ?? 0;
  }

  /**
   * Writes the pixels where a worker can read them that can open the arenas in `readable`; undefined when it must get
   * bytes.
   */
  share(pixels: Uint8Array, readable: string | undefined): FrameHandle | undefined {
    const placed = this.#place(pixels, readable);
    const how = typeof placed === "string" ? placed : "handle";
    this.#options.handed(how);
    // A worker on another host is normal and is not logged.
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

  /** The arena's largest size in bytes, and whether the free space of the tmpfs sets it. */
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

  /** Logs once that memory is short, and once that it is enough again. */
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
