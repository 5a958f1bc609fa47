import type { FrameBuffers } from "../frame-buffers.ts";
import type { WaitingFrame } from "../frame-queue.ts";

/** A frame from which a picture can be made. */
export interface KeptFrame {
  metadata: WaitingFrame["metadata"];
  message: Uint8Array<ArrayBuffer>;
  buffers: FrameBuffers;
  /** When its compressed picture had arrived, by performance.now(). */
  arrivedAt: number;
}

export interface FrameMemoryLimits {
  /** Milliseconds that a frame is kept after it was handed over; a camera's newest frame is kept longer. */
  maxAgeMs: number;
  /** Most bytes of frames of one camera, and of all cameras; the newest frame of each camera is kept whatever its size. */
  cameraBytes: number;
  processBytes: number;
}

interface Entry extends KeptFrame {
  since: number;
  owner: RecentFrames;
}

/** The recent frames of all cameras of a process, with limits on age and bytes. */
export class FrameMemory {
  readonly limits: FrameMemoryLimits;
  /** In order of arrival. */
  readonly #entries = new Set<Entry>();
  #bytes = 0;

  constructor(limits: FrameMemoryLimits) {
    this.limits = limits;
  }

  /** Bytes of all frames kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a frame, and removes the oldest ones of any camera if there are too many. */
  add(entry: Entry): void {
    this.#entries.add(entry);
    this.#bytes += entry.message.byteLength;
    for (const oldest of this.#entries) {
      if (this.#bytes <= this.limits.processBytes) break;
      if (!oldest.owner.isNewest(oldest)) oldest.owner.letGo(oldest);
    }
  }

  remove(entry: Entry): void {
    if (!this.#entries.delete(entry)) return;
    this.#bytes -= entry.message.byteLength;
    entry.buffers.give(entry.message);
  }
}

/** The recent frames of one camera that workers have been given. */
export class RecentFrames {
  readonly #memory: FrameMemory;
  /** Oldest first. */
  readonly #entries: Entry[] = [];
  #bytes = 0;

  constructor(memory: FrameMemory) {
    this.#memory = memory;
  }

  /** Keeps a frame; its buffer is shared until the frame is too old. */
  add({ metadata, message, buffers, arrivedAt }: KeptFrame): void {
    buffers.share(message);
    const entry = { metadata, message, buffers, arrivedAt, since: performance.now(), owner: this };
    this.#entries.push(entry);
    this.#bytes += message.byteLength;
    const { maxAgeMs, cameraBytes } = this.#memory.limits;
    for (const oldest of [...this.#entries]) {
      if (oldest === entry || (this.#bytes <= cameraBytes && entry.since - oldest.since <= maxAgeMs)) break;
      this.letGo(oldest);
    }
    this.#memory.add(entry);
  }

  /** The frame with this number; without a number, the newest. */
  find(number?: number): KeptFrame | undefined {
    if (number === undefined) return this.#entries.at(-1);
    return this.#entries.findLast(({ metadata }) => metadata.number === number);
  }

  isNewest(entry: Entry): boolean {
    return entry === this.#entries.at(-1);
  }

  letGo(entry: Entry): void {
    const index = this.#entries.indexOf(entry);
    if (index < 0) return;
    this.#entries.splice(index, 1);
    this.#bytes -= entry.message.byteLength;
    this.#memory.remove(entry);
  }

  /** Removes all frames. */
  clear(): void {
    for (const entry of [...this.#entries]) this.letGo(entry);
  }
}
