import type { FrameDropped } from "@sightline/contracts";
import type { RawFrame } from "./raw-frame.ts";
import { type Ordered, ReorderBuffer, type Sequenced } from "./reorder.ts";

/**
 * The time at which messages of a stream were stored, as it goes on between them: never before the newest message read,
 * and else with the process's own clock. So a wait that is over in the stream's time need not be waited out again by one
 * who reads the stream later and faster.
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
  /** Numbers of its epoch before it that neither came nor were told to be dropped, though the last was handed to a worker. */
  missing: number;
}

/**
 * One camera's messages in the stream of detections → its frames in order, and up to which message all have been taken
 * into account.
 */
export class RawOrder {
  readonly #clock = new StreamClock();
  readonly #reorder: ReorderBuffer<Arrival>;
  /** Sequences of frames that have been read and not taken, ascending; and up to where all was `complete` before each. */
  readonly #open = new Map<number, number>();
  #read: number;
  #complete: number;
  /** What was missing before dropped frames of an epoch, and has not been told with a frame of it yet. */
  #missing = { epoch: "", count: 0 };

  /**
   * `read`: the last message that needs not be read; `complete`: none of the camera's messages up to there was missed;
   * `delivered`: highest number of each epoch already taken.
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

  /** The last message up to which all are taken, and none was missed that is not told yet. */
  get taken(): number {
    for (const complete of this.#open.values()) return complete;
    return this.#read;
  }

  /** The last message up to which none of the camera's was missed, or those that were are told. */
  get complete(): number {
    for (const complete of this.#open.values()) return complete;
    return this.#complete;
  }

  /** None of the camera's messages up to this one has not been read. */
  noteComplete(sequence: number): void {
    this.#complete = Math.max(this.#complete, sequence);
  }

  /**
   * How many messages of the stream, which now begins at `first`, were removed before it could be told which of them were
   * the camera's: all that is in question lies before the first frame that is not taken.
   */
  removed(first: number): number {
    for (const [sequence, complete] of this.#open)
      return Math.max(0, Math.min(first, sequence) - 1 - complete);
    return 0;
  }

  /** What was removed before the first frame that is not taken has been told. */
  tellRemoved(): void {
    for (const sequence of this.#open.keys()) return void this.#open.set(sequence, sequence - 1);
  }

  /** Frames that wait for the one before them. */
  get held(): number {
    return this.#reorder.heldCount;
  }

  /** A message has been read that holds no frame. */
  skip(sequence: number): void {
    this.#read = sequence;
  }

  /** A frame has been read. Returns those whose turn has come. */
  push(frame: RawFrame): OrderedFrame[] {
    this.#clock.reach(frame.publishedAt);
    this.#read = frame.sequence;
    this.#open.set(frame.sequence, this.#complete);
    this.#complete = Math.max(this.#complete, frame.sequence);
    const { stream, number, previousNumber } = frame;
    return [...this.expire(), ...this.#frames(this.#reorder.push({ stream, number, previousNumber, frame }))];
  }

  /** A worker has dropped a frame, which lets the next one pass. */
  dropped({ epoch, number, previousNumber }: FrameDropped): OrderedFrame[] {
    return this.#frames(this.#reorder.push({ stream: epoch, number, previousNumber }));
  }

  /** Frames that have waited long enough. */
  expire(): OrderedFrame[] {
    return this.#frames(this.#reorder.expire());
  }

  /** Milliseconds until `expire` has something to return; undefined when nothing waits. */
  get msToExpiry(): number | undefined {
    const deadline = this.#reorder.nextDeadline();
    return deadline === undefined ? undefined : Math.max(1, deadline - this.#clock.now());
  }

  /** A frame that was returned goes into the timeline now, or is left out of it. */
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
