import { SubscribeDetectionsResponse } from "@sightline/contracts";

/** Where a subscriber's messages go. `write` takes the message in any case; false asks to wait for `drained`. */
export interface SubscriberSink {
  write(message: Buffer): boolean;
}

/** Bounds of what is kept for one subscriber. */
export interface SubscriberLimits {
  maxFrames: number;
  maxBytes: number;
}

/** Is told what became of a subscriber's frames. */
export interface SubscriberObserver {
  /** A frame was handed to the connection, this many seconds after it was offered. */
  delivered(seconds: number): void;
  skipped(frames: number): void;
}

/**
 * One subscriber and the frames it has not taken yet. When it reads too slowly the oldest are skipped, and it gets
 * their count in the place where they are missing.
 */
export class Subscriber {
  readonly #sink: SubscriberSink;
  readonly #limits: SubscriberLimits;
  readonly #observer: SubscriberObserver;
  readonly #waiting: { message: Buffer; offeredAt: number }[] = [];
  #waitingBytes = 0;
  #skipped = 0;
  #blocked = false;

  constructor(sink: SubscriberSink, limits: SubscriberLimits, observer: SubscriberObserver) {
    this.#sink = sink;
    this.#limits = limits;
    this.#observer = observer;
  }

  /** Passes an encoded frame on, or keeps it while the connection is busy. */
  offer(message: Buffer, now: number): void {
    if (!this.#blocked) {
      this.#write(message, now, now);
      return;
    }
    this.#waiting.push({ message, offeredAt: now });
    this.#waitingBytes += message.byteLength;
    while (this.#waiting.length > this.#limits.maxFrames || this.#waitingBytes > this.#limits.maxBytes) {
      this.#waitingBytes -= this.#waiting.shift()!.message.byteLength;
      this.#skipped++;
      this.#observer.skipped(1);
    }
  }

  /** The connection can take more. */
  drained(now: number): void {
    this.#blocked = false;
    if (this.#skipped > 0) {
      this.#blocked = !this.#sink.write(encodeSkipped(this.#skipped));
      this.#skipped = 0;
    }
    while (!this.#blocked && this.#waiting.length > 0) {
      const { message, offeredAt } = this.#waiting.shift()!;
      this.#waitingBytes -= message.byteLength;
      this.#write(message, offeredAt, now);
    }
  }

  #write(message: Buffer, offeredAt: number, now: number): void {
    this.#blocked = !this.#sink.write(message);
    this.#observer.delivered((now - offeredAt) / 1000);
  }
}

function encodeSkipped(count: number): Buffer {
  const event = { $case: "skipped" as const, value: { count } };
  return Buffer.from(SubscribeDetectionsResponse.encode({ event, cursor: "" }).finish());
}
