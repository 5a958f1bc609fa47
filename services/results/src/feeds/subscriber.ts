import { SubscribeDetectionsResponse } from "@sightline/contracts/api";
import type { StreamPlace } from "@sightline/service";
import type { FeedObserver, FeedSubscriber } from "./feed.ts";

/** Receives a subscriber's messages. `write` always takes the message; false means: wait for `drained`. */
export interface SubscriberSink {
  write(message: Buffer): boolean;
}

/** Limits of what is kept for one subscriber. */
export interface SubscriberLimits {
  maxFrames: number;
  maxBytes: number;
}

/** A live subscriber and the frames that wait for it. When it reads too slowly, the oldest are skipped, and it gets their count in their place. */
export class Subscriber implements FeedSubscriber {
  readonly #sink: SubscriberSink;
  readonly #limits: SubscriberLimits;
  readonly #observer: Pick<FeedObserver, "delivered" | "skipped">;
  readonly #waiting: { message: Buffer; offeredAt: number }[] = [];
  #waitingBytes = 0;
  #skipped = 0;
  #blocked = false;

  constructor(
    sink: SubscriberSink,
    limits: SubscriberLimits,
    observer: Pick<FeedObserver, "delivered" | "skipped">,
  ) {
    this.#sink = sink;
    this.#limits = limits;
    this.#observer = observer;
  }

  /** Writes an encoded frame, or keeps it while the connection is busy. */
  offer(message: Buffer, _place: StreamPlace, now: number): boolean {
    if (!this.#blocked) {
      this.#blocked = !this.#sink.write(message);
      return true;
    }
    this.#waiting.push({ message, offeredAt: now });
    this.#waitingBytes += message.byteLength;
    while (this.#waiting.length > this.#limits.maxFrames || this.#waitingBytes > this.#limits.maxBytes) {
      this.#waitingBytes -= this.#waiting.shift()!.message.byteLength;
      this.#skipped++;
      this.#observer.skipped(1);
    }
    return false;
  }

  /** A live subscriber is not affected by frames that will never arrive. */
  interrupted(): void {}

  /** The connection can take more. */
  drained(now: number): void {
    this.#blocked = false;
    if (this.#skipped > 0) {
      this.#blocked = !this.#sink.write(encodeSkipped(this.#skipped));
      this.#skipped = 0;
    }
    const longest = (now - (this.#waiting[0]?.offeredAt ?? now)) / 1000;
    let sent = 0;
    while (!this.#blocked && this.#waiting.length > 0) {
      const { message } = this.#waiting.shift()!;
      this.#waitingBytes -= message.byteLength;
      this.#blocked = !this.#sink.write(message);
      sent++;
    }
    if (sent > 0) this.#observer.delivered(sent, longest);
  }
}

function encodeSkipped(count: number): Buffer {
  const event = { $case: "skipped" as const, value: { count } };
  return Buffer.from(SubscribeDetectionsResponse.encode({ event, cursor: "" }).finish());
}
