import type { Logger } from "@sightline/service";
import { ApiError } from "../errors.ts";
import { encodeCursor } from "./cursor.ts";
import type { Feed, FeedSubscriber } from "./feed.ts";
import type { FeedFilter } from "./feed-format.ts";
import { FeedReader } from "./feed-reader.ts";
import type { ProgressRounds } from "./progress-rounds.ts";
import type { StreamStart } from "./start-position.ts";
import type { StoredMessages } from "./stored-messages.ts";
import { Subscriber, type SubscriberLimits, type SubscriberSink } from "./subscriber.ts";

/** An open subscription. */
export interface OpenSubscription {
  /** The connection can take more. */
  drained(): void;
  stop(): void;
  /** Where it begins, if that is known and it misses nothing. */
  cursor?: string;
}

/** Counts the subscribers of all feeds. */
export class SubscriberCount {
  readonly #most: number;
  #now = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes a place; the returned function frees it and may be called twice. @throws ApiError too_many_subscribers */
  take(): () => void {
    if (this.#now >= this.#most)
      throw new ApiError(
        "too_many_subscribers",
        `there are ${this.#now} subscribers, the most that this server takes (SIGHTLINE_MAX_SUBSCRIBERS)`,
      );
    this.#now++;
    let taken = true;
    return () => {
      if (taken) this.#now--;
      taken = false;
    };
  }
}

/** Opens subscriptions to one feed. */
export class Subscribers<T, F extends FeedFilter> {
  readonly #feed: Feed<T, F>;
  readonly #stored: StoredMessages;
  readonly #rounds: ProgressRounds<T, F>;
  readonly #count: SubscriberCount;
  readonly #log: Logger;

  constructor(
    feed: Feed<T, F>,
    stored: StoredMessages,
    rounds: ProgressRounds<T, F>,
    count: SubscriberCount,
    log: Logger,
  ) {
    this.#feed = feed;
    this.#stored = stored;
    this.#rounds = rounds;
    this.#count = count;
    this.#log = log;
  }

  /** Sends new messages, and skips what the connection cannot take. @throws ApiError too_many_subscribers */
  live(filter: F, limits: SubscriberLimits, sink: SubscriberSink): OpenSubscription {
    const subscriber = new Subscriber(sink, limits, this.#feed.observer);
    const stop = this.#add(filter, subscriber);
    return { drained: () => subscriber.drained(performance.now()), stop };
  }

  /**
   * Sends everything from `start` on, and with `progress` also the position while there is nothing to send.
   * @throws ApiError too_many_subscribers
   */
  from(start: StreamStart, filter: F, progress: boolean, sink: SubscriberSink): OpenSubscription {
    const reader = new FeedReader(this.#feed, this.#stored, filter, sink, this.#log);
    const remove = this.#add(filter, reader);
    const { format, identity, head } = this.#feed;
    const cursor = start.from === "newest" ? encodeCursor(format.kind, identity, head) : undefined;
    reader.start(start);
    const leaveRounds = progress ? this.#rounds.add(reader) : undefined;
    const stop = () => {
      leaveRounds?.();
      remove();
      reader.stop();
    };
    return { drained: () => reader.drained(), stop, cursor };
  }

  #add(filter: F, subscriber: FeedSubscriber): () => void {
    const giveBack = this.#count.take();
    const remove = this.#feed.add(filter, subscriber);
    return () => {
      remove();
      giveBack();
    };
  }
}
