import type { FrameDropped } from "@sightline/contracts";
import type { RawFrame } from "./raw-frame.ts";
import { type Ordered, ReorderBuffer, type Sequenced } from "./reorder.ts";

/**
 * The storage time of a stream's messages, which continues between messages: never before the newest message read,
 * otherwise moving with the process's own clock. So a wait that is over in the stream's time does not have to be repeated
 * by a process that reads the stream later and faster.
 */
export class StreamClock {
  readonly #clock: () => number;
  #offsetMs = 0;

  /** `clock`: monotonic milliseconds. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** A message that was stored at `timeMs` has been read. */
  reach(timeMs: number): void {
    this.#offsetMs = Math.max(this.#offsetMs, timeMs - this.#clock());
  }

  /** Milliseconds, monotonic. */
  readonly now = (): number => this.#clock() + this.#offsetMs;
}

type Arrival = Sequenced & { frame?: RawFrame };

/** A frame whose turn has come. */
export interface OrderedFrame extends RawFrame {
  /**
   * Missing numbers of its epoch before this frame: they neither came nor were reported as dropped, though the last of them
   * was handed to a worker.
   */
  missing: number;
}

/**
 * One camera's messages in the stream of detections → its frames in order, and the message up to which all have been taken
 * into account.
 */
export class RawOrder {
  readonly #clock = new StreamClock();
  readonly #reorder: ReorderBuffer<Arrival>;
  /**
   * Sequences of frames that have been read and not taken, ascending; with the position up to which all was `complete`
   * before each.
   */
  readonly #open = new Map<number, number>();
  #read: number;
  #complete: number;
  /** Frames that were missing before dropped frames of an epoch, and have not been recorded with a frame of it yet. */
  #missing = { epoch: "", count: 0 };

  /**
   * `read`: the last message that does not have to be read. `complete`: none of the camera's messages up to here was
   * missed. `delivered`: the highest number of each epoch that was already taken.
   */
  constructor(
    windowMs: number,
    read: number,
    complete: number,
    delivered: Iterable<readonly [epoch: string, number: number]>,
  ) {
    this.#reorder = new ReorderBuffer({ windowMs, now: this.#clock.now });
    this.#read = read;
    this.#complete = complete;
    for (const [epoch, number] of delivered) this.#reorder.resume(epoch, number);
  }

  /** The last message read. */
  get read(): number {
    return this.#read;
  }

  /** The last message up to which all are taken, with no missed message that is not recorded yet. */
  get taken(): number {
    for (const complete of this.#open.values()) return complete;
    return this.#read;
  }

  /** The last message up to which none of the camera's messages was missed, or the missed ones have been recorded. */
  get complete(): number {
    for (const complete of this.#open.values()) return complete;
    return this.#complete;
  }

  /** All of the camera's messages up to this one have been read. */
  noteComplete(sequence: number): void {
    this.#complete = Math.max(this.#complete, sequence);
  }

  /**
   * How many messages of the stream, which now begins at `first`, were removed before it was known which of them were the
   * camera's: all of them come before the first frame that is not taken.
   */
  removed(first: number): number {
    for (const [sequence, complete] of this.#open)
      return Math.max(0, Math.min(first, sequence) - 1 - complete);
    return 0;
  }

  /** The messages removed before the first frame that is not taken have been recorded. */
  tellRemoved(): void {
    for (const sequence of this.#open.keys()) return void this.#open.set(sequence, sequence - 1);
  }

  /** Frames that wait for the one before them. */
  get held(): number {
    return this.#reorder.heldCount;
  }

  /** A message without a frame has been read. */
  skip(sequence: number): void {
    this.#read = sequence;
  }

  /** A frame has been read. Returns the frames whose turn has come. */
  push(frame: RawFrame): OrderedFrame[] {
    this.#clock.reach(frame.publishedAt);
    this.#read = frame.sequence;
    this.#open.set(frame.sequence, this.#complete);
    this.#complete = Math.max(this.#complete, frame.sequence);
    const { stream, number, previousNumber } = frame;
    return [...this.expire(), ...this.#frames(this.#reorder.push({ stream, number, previousNumber, frame }))];
  }

  /** A worker has dropped a frame, so the next one may pass. */
  dropped({ epoch, number, previousNumber }: FrameDropped): OrderedFrame[] {
    return this.#frames(this.#reorder.push({ stream: epoch, number, previousNumber }));
  }

  /** Returns the frames that have waited long enough. */
  expire(): OrderedFrame[] {
    return this.#frames(this.#reorder.expire());
  }

  /** Milliseconds until `expire` will return something; undefined when nothing waits. */
  get msToExpiry(): number | undefined {
    const deadline = this.#reorder.nextDeadline();
    return deadline === undefined ? undefined : Math.max(1, deadline - this.#clock.now());
  }

  /** A returned frame is now put into the timeline, or is left out of it. */
  take(frame: RawFrame): void {
    this.#open.delete(frame.sequence);
  }

  #frames(ordered: Ordered<Arrival>[]): OrderedFrame[] {
    return ordered.flatMap(({ item, missing }) => {
      const { epoch, count } = this.#missing;
      const all = epoch === item.stream ? count + missing : missing;
      this.#missing = { epoch: item.stream, count: item.frame ? 0 : all };
      return item.frame ? { ...item.frame, missing: all } : [];
    });
  }
}
