import { setTimeout as delay } from "node:timers/promises";
import type { Logger, StreamPlace } from "@sightline/service";
import { CatchUp } from "./catch-up.ts";
import type { StreamIdentity } from "./cursor.ts";
import type { Feed, FeedSubscriber } from "./feed.ts";
import type { FeedFilter } from "./feed-format.ts";
import type { PlaceInStream, ProgressReader } from "./progress-rounds.ts";
import type { StreamStart } from "./start-position.ts";
import type { StoredMessages } from "./stored-messages.ts";
import type { SubscriberSink } from "./subscriber.ts";

const retryMs = 100;

/**
 * A subscriber that misses nothing. It has a position, and what its connection cannot take now waits where it is: in the feed's memory or
 * in JetStream. While it keeps up it is live, and costs as little as any subscriber.
 */
export class FeedReader<T, F extends FeedFilter> implements FeedSubscriber, ProgressReader {
  readonly #feed: Feed<T, F>;
  readonly #stored: StoredMessages;
  readonly #filter: F;
  readonly #sink: SubscriberSink;
  readonly #log: Logger;
  /** Source of its messages: live, the feed's memory, or JetStream. */
  #source: "live" | "memory" | "stored" = "memory";
  #identity: StreamIdentity;
  /** Everything up to here is done; not updated while live. */
  #position: StreamPlace;
  /** Set while it reads stored messages. */
  #catchUp: CatchUp<T, F> | undefined;
  /** While it reads stored messages: whether everything up to `#position` has been written, and reading can continue from there. */
  #settled = false;
  /** Sequence in the last message sent; undefined when it is not known. */
  #told: number | undefined;
  /** Nothing has been written since the last round of progress. */
  #quiet = false;
  /** Messages before the position may be lost: this is checked before it continues. */
  #doubtful = false;
  #blocked = false;
  #unblocked: (() => void) | undefined;
  #stopped = false;

  constructor(feed: Feed<T, F>, stored: StoredMessages, filter: F, sink: SubscriberSink, log: Logger) {
    this.#feed = feed;
    this.#stored = stored;
    this.#filter = filter;
    this.#sink = sink;
    this.#log = log;
    this.#identity = feed.identity;
    this.#position = feed.head;
  }

  /** Begins to send. */
  start(start: StreamStart): void {
    if (start.from === "cursor") {
      // The position is in a creation of the stream that does not exist any more: this is reported as a gap.
      this.#identity = start.identity;
      this.#position = start.place;
      this.#told = start.place.sequence;
      this.#doubtful = !this.#feed.confirms(start.place);
    }
    const inMemory = start.from === "newest" || start.from === "cursor";
    if (inMemory && this.#inMemory()) this.#sendFromMemory();
    else void this.#sendStored(start);
  }

  stop(): void {
    this.#stopped = true;
    this.#unblocked?.();
  }

  offer(message: Buffer, place: StreamPlace): boolean {
    if (this.#source !== "live") return false;
    this.#position = place;
    if (!this.#write(message, place.sequence)) this.#source = "memory";
    return true;
  }

  interrupted(place: StreamPlace): void {
    const live = this.#source === "live";
    if (live) this.#position = place;
    this.#settled = false;
    this.#doubtful = true;
    this.#catchUp?.doubt();
    if (live) void this.#sendStored(undefined);
  }

  /** The connection can take more. */
  drained(): void {
    this.#blocked = false;
    this.#unblocked?.();
    if (this.#source === "memory") this.#sendFromMemory();
  }

  /** Once per round: sends the position, unless messages have done so or the connection cannot take more. */
  tellProgress(encode: (place: PlaceInStream) => Buffer): void {
    const quiet = this.#quiet;
    this.#quiet = true;
    const place = this.#place();
    if (!quiet || this.#blocked || this.#stopped || !place || place.position.sequence === this.#told) return;
    const free = this.#write(encode(place), place.position.sequence);
    this.#quiet = true;
    if (free || this.#source !== "live") return;
    this.#position = place.position;
    this.#source = "memory";
  }

  /** Its position: everything before it that is wanted has been written. Undefined while this is uncertain. */
  #place(): PlaceInStream | undefined {
    const { identity, head } = this.#feed;
    if (this.#source === "live") return { identity, position: head };
    if (this.#source === "stored" && this.#settled)
      return { identity: this.#identity, position: this.#position };
    return undefined;
  }

  #sendFromMemory(): void {
    this.#source = "memory";
    let sent = 0;
    while (!this.#blocked && !this.#stopped) {
      if (!this.#inMemory()) {
        void this.#sendStored(undefined);
        break;
      }
      const entry = this.#feed.after(this.#position.sequence);
      if (!entry) {
        this.#source = "live";
        break;
      }
      this.#position = entry.place;
      const message = this.#feed.encode(entry, this.#filter);
      if (!message) continue;
      this.#write(message, entry.sequence);
      sent++;
    }
    if (sent > 0) this.#feed.observer.delivered(sent);
  }

  /** Whether the next message is in the feed's memory. */
  #inMemory(): boolean {
    return !this.#doubtful && this.#feed.covers(this.#identity, this.#position.sequence);
  }

  async #sendStored(start: StreamStart | undefined): Promise<void> {
    this.#source = "stored";
    this.#settled = false;
    this.#doubtful = false;
    const catchUp = new CatchUp(
      this.#feed,
      this.#stored,
      this.#filter,
      this.#identity,
      this.#position,
      start,
    );
    this.#catchUp = catchUp;
    while (!this.#stopped) {
      const before = catchUp.position;
      try {
        for (const message of await catchUp.next()) await this.#writeInTurn(message);
      } catch (error) {
        this.#log.debug({ err: error }, "history cannot be read yet; trying again");
        await delay(retryMs);
        continue;
      }
      if (this.#stopped) break;
      this.#identity = catchUp.identity;
      this.#position = catchUp.position;
      this.#settled = catchUp.settled;
      if (this.#settled && this.#feed.covers(this.#identity, this.#position.sequence)) break;
      // The stored messages have not reached the feed yet.
      if (catchUp.position.sequence === before.sequence) await delay(retryMs);
    }
    catchUp.close();
    this.#catchUp = undefined;
    this.#doubtful = false;
    if (!this.#stopped) this.#sendFromMemory();
  }

  /** Writes when the connection can take more. */
  async #writeInTurn(message: Buffer): Promise<void> {
    if (this.#blocked && !this.#stopped) await new Promise<void>((resolve) => (this.#unblocked = resolve));
    if (this.#stopped) return;
    this.#write(message, undefined);
    this.#feed.observer.delivered(1);
  }

  /** `told`: the position in the message's cursor, if it is known here. */
  #write(message: Buffer, told: number | undefined): boolean {
    this.#told = told;
    this.#quiet = false;
    this.#blocked = !this.#sink.write(message);
    return !this.#blocked;
  }
}
