import { closeSync, constants, fstatSync, openSync, readv } from "node:fs";
import { join } from "node:path";
import type { FrameHandle } from "@sightline/contracts";
import { arenaFolder, arenaKey } from "./arena-file.ts";
import { isMark, markBytes } from "./frame-arena.ts";

/** Why a frame was not read: `torn` means that its slot was used again or is gone; `failed` means that the system refused to read it. */
export type ReadFailure = "torn" | "failed";

interface OpenArena {
  fd: number;
  /** Reads in progress: the file must not be closed before they end. */
  reading: number;
  closing: boolean;
}

/** At least as many as the ingest processes of one host that a worker serves at a time. */
const mostOpen = 8;
const retryMs = 60_000;

/** Reads frames from the arenas of this host that this process can open. */
export class ArenaReaders {
  readonly #directory: string;
  readonly #open = new Map<string, OpenArena>();
  /** Arenas that could not be opened, and when. */
  readonly #refused = new Map<string, number>();
  #readable = "";

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Names of the arenas that can be read, separated by commas. */
  get readable(): string {
    return this.#readable;
  }

  /** An ingest announces this arena: it is opened if it is on this host. */
  discover(id: string): void {
    if (this.#open.has(id)) return;
    const now = performance.now();
    if (now - (this.#refused.get(id) ?? -Infinity) < retryMs) return;
    this.#closeRemoved();
    const fd = this.#tryOpen(id);
    if (fd === undefined) {
      if (this.#refused.size >= 4 * mostOpen) this.#refused.clear();
      this.#refused.set(id, now);
      return;
    }
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size >= mostOpen) this.#forget(oldest);
    this.#open.set(id, { fd, reading: 0, closing: false });
    this.#readable = [...this.#open.keys()].join(",");
  }

  /**
   * Reads a frame's pixels into `target`, in parallel to other reads and this thread. `done` gets undefined when they are complete; after
   * a failure the content of `target` is arbitrary.
   */
  read(handle: FrameHandle, target: Uint8Array, done: (failure: ReadFailure | undefined) => void): void {
    const { arena: id, offset, generation } = handle;
    const arena = this.#open.get(id);
    if (!arena) return void queueMicrotask(() => done("failed"));
    const mark = Buffer.allocUnsafe(markBytes);
    arena.reading++;
    readv(arena.fd, [target, mark], offset, (error, bytes) => {
      arena.reading--;
      const whole = bytes === target.byteLength + markBytes && isMark(mark, id, generation);
      // A file that is too short was emptied by the process that removed it.
      if (error || bytes < target.byteLength + markBytes) this.#forget(id);
      if (arena.closing) this.#close(arena);
      done(error ? "failed" : whole ? undefined : "torn");
    });
  }

  async stop(): Promise<void> {
    for (const id of [...this.#open.keys()]) this.#forget(id);
  }

  #tryOpen(id: string): number | undefined {
    if (arenaKey(id) === undefined) return undefined;
    let fd: number | undefined;
    try {
      const path = join(arenaFolder(this.#directory, false), id);
      // A pipe with this name would block this thread until someone writes to it.
      fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      if (fstatSync(fd).isFile()) return fd;
    } catch {
      // It belongs to another host, container or user.
    }
    if (fd !== undefined) closeSync(fd);
    return undefined;
  }

  #closeRemoved(): void {
    for (const [id, { fd }] of this.#open) if (fstatSync(fd).nlink === 0) this.#forget(id);
  }

  #forget(id: string): void {
    const arena = this.#open.get(id);
    if (!arena) return;
    this.#open.delete(id);
    this.#readable = [...this.#open.keys()].join(",");
    arena.closing = true;
    this.#close(arena);
  }

  #close(arena: OpenArena): void {
    if (arena.reading > 0 || arena.fd < 0) return;
    closeSync(arena.fd);
    arena.fd = -1;
  }
}
