import type { FrameDropped } from "@sightline/contracts";
import type { RawFrame } from "./raw-frame.ts";
import { type Ordered, ReorderBuffer, type Sequenced } from "./reorder.ts";
import { StreamClock } from "./stream-clock.ts";

type Arrival = Sequenced & { frame?: RawFrame };

/**
 * One camera's messages in the stream of detections → its frames in order, and up to which message all have been taken
 * into account.
 */
export class RawOrder {
  readonly #clock = new StreamClock();
  readonly #reorder: ReorderBuffer<Arrival>;
  /** Sequences of frames that have been read and not taken, ascending. */
  readonly #open = new Set<number>();
  #read: number;

  /** `read`: the last message that needs not be read; `delivered`: highest number of each epoch already taken. */
  constructor(windowMs: number, read: number, delivered: Iterable<readonly [epoch: string, number: number]>) {
    this.#reorder = new ReorderBuffer({ windowMs, now: this.#clock.now });
    this.#read = read;
    for (const [epoch, number] of delivered) this.#reorder.resume(epoch, number);
  }

  /** The last message read. */
  get read(): number {
    return this.#read;
  }

  /** The last message up to which all are taken. */
  get taken(): number {
    for (const first of this.#open) return first - 1;
    return this.#read;
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
  push(frame: RawFrame): RawFrame[] {
    this.#clock.reach(frame.publishedAt);
    this.#read = frame.sequence;
    this.#open.add(frame.sequence);
    const { stream, number, previousNumber } = frame;
    return [...this.expire(), ...frames(this.#reorder.push({ stream, number, previousNumber, frame }))];
  }

  /** A worker has dropped a frame, which lets the next one pass. */
  dropped({ epoch, number, previousNumber }: FrameDropped): RawFrame[] {
    return frames(this.#reorder.push({ stream: epoch, number, previousNumber }));
  }

  /** Frames that have waited long enough. */
  expire(): RawFrame[] {
    return frames(this.#reorder.expire());
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
}

function frames(ordered: Ordered<Arrival>[]): RawFrame[] {
  return ordered.flatMap(({ item }) => item.frame ?? []);
}
