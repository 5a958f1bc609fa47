import type { JsMsg } from "@nats-io/jetstream";
import { type Logger, placeAfter, type StreamPlace, unknownTime } from "@sightline/service";
import type { StreamIdentity } from "./cursor.ts";
import { FeedEntry, type FeedFilter, type FeedFormat } from "./feed-format.ts";
import { FeedRing, type RingLimits } from "./feed-ring.ts";
import type { StreamMakings } from "./stream-makings.ts";
import type { StreamReceiver } from "./stream-reader.ts";

/** Gets the messages that pass its filter, as they arrive. */
export interface FeedSubscriber {
  /** True when it was written to the connection at once. */
  offer(message: Buffer, place: StreamPlace, now: number): boolean;
  /**
   * Messages after `place`, the last that was or could have been offered, are gone or will never arrive; or NATS has lost some of those
   * before it, and other messages will have their sequences.
   */
  interrupted(place: StreamPlace): void;
}

/** Observes what happens to a feed's messages. */
export interface FeedObserver {
  /** This many messages were written to connections, after at most this many seconds; undefined for late ones. */
  delivered(messages: number, seconds?: number): void;
  skipped(messages: number): void;
  /** A message of the stream could not be read. */
  invalid(): void;
  lag(messages: number): void;
}

/** Called for each message as it arrives; `stored` is the message as NATS has it. */
export type FeedListener<T> = (message: T, entry: FeedEntry<T>, stored: JsMsg) => void;

interface Group<F> {
  filter: F;
  subscribers: Set<FeedSubscriber>;
}

/**
 * The newest messages of a stream in memory, and all their subscribers. A filter runs once for all subscribers that share it, and a message
 * is encoded once for all filters that select the same parts: one more subscriber costs only a write.
 */
export class Feed<T, F extends FeedFilter> implements StreamReceiver {
  readonly format: FeedFormat<T, F>;
  readonly observer: FeedObserver;
  readonly #ring: FeedRing<T>;
  readonly #makings: Pick<StreamMakings, "knows" | "note">;
  readonly #log: Logger;
  readonly #groups = new Map<string, Group<F>>();
  readonly #listeners = new Set<FeedListener<T>>();
  #identity: StreamIdentity = Buffer.alloc(0);
  #head: StreamPlace = { sequence: 0, time: unknownTime };
  #size = 0;

  constructor(
    format: FeedFormat<T, F>,
    limits: RingLimits,
    makings: Pick<StreamMakings, "knows" | "note">,
    observer: FeedObserver,
    log: Logger,
  ) {
    this.format = format;
    this.#makings = makings;
    this.observer = observer;
    this.#ring = new FeedRing(limits);
    this.#log = log;
  }

  /** Present number of subscribers. */
  get size(): number {
    return this.#size;
  }

  /** The stream being read; empty before it was first read. */
  get identity(): StreamIdentity {
    return this.#identity;
  }

  /** Whether this identity is, or once was, that of the stream. */
  readonly isOurs = (identity: StreamIdentity): boolean => this.#makings.knows(this.format.stream, identity);

  /** The place after the last message read. */
  get head(): StreamPlace {
    return this.#head;
  }

  /** Whether everything after the sequence `position` in the stream `identity` is in memory. */
  covers(identity: StreamIdentity, position: number): boolean {
    return identity.equals(this.#identity) && position >= this.#ring.floor && position <= this.#head.sequence;
  }

  /** Whether the message before this place is known to be in the stream, or only its sequence is known. */
  confirms({ sequence, time }: StreamPlace): boolean {
    if (time === unknownTime) return true;
    const known = sequence === this.#head.sequence ? this.#head : this.#ring.at(sequence)?.place;
    return known?.time === time;
  }

  /** The first message after a covered position; undefined when there is none yet. */
  after(position: number): FeedEntry<T> | undefined {
    return this.#ring.after(position);
  }

  /** What a subscriber with this filter gets of an entry; undefined when it gets nothing. */
  encode(entry: FeedEntry<T>, filter: F): Buffer | undefined {
    const before = entry.bytes;
    const encoded = entry.encodedFor(this.format, filter);
    if (entry.bytes !== before && entry.sequence > this.#ring.floor) this.#ring.charge(entry.bytes - before);
    return encoded;
  }

  /** Adds a subscriber; the returned function removes it and may be called twice. */
  add(filter: F, subscriber: FeedSubscriber): () => void {
    const group = this.#groups.get(filter.key) ?? { filter, subscribers: new Set() };
    this.#groups.set(filter.key, group);
    group.subscribers.add(subscriber);
    this.#size++;
    return () => {
      if (!group.subscribers.delete(subscriber)) return;
      this.#size--;
      if (group.subscribers.size === 0 && this.#groups.get(filter.key) === group)
        this.#groups.delete(filter.key);
    };
  }

  /** Calls `listener` for each new message until the returned function is called. */
  listen(listener: FeedListener<T>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  begin(identity: StreamIdentity, place: StreamPlace): void {
    const before = this.#head;
    this.#identity = identity;
    this.#makings.note(this.format.stream, identity);
    this.#head = place;
    this.#ring.clear(place.sequence);
    for (const { subscribers } of this.#groups.values())
      for (const subscriber of subscribers) subscriber.interrupted(before);
  }

  message(message: JsMsg, past: boolean): void {
    const content = this.#decode(message);
    const place = placeAfter(message);
    const entry = new FeedEntry(this.#identity, place, content, message.data.byteLength);
    this.#head = place;
    this.#ring.push(entry);
    if (past || content === undefined) return;
    this.#offer(entry);
    for (const listener of this.#listeners) listener(content, entry, message);
  }

  lag(messages: number): void {
    this.observer.lag(messages);
  }

  #offer(entry: FeedEntry<T>): void {
    const now = performance.now();
    let handed = 0;
    for (const { filter, subscribers } of this.#groups.values()) {
      const encoded = this.encode(entry, filter);
      if (!encoded) continue;
      for (const subscriber of subscribers) if (subscriber.offer(encoded, entry.place, now)) handed++;
    }
    if (handed > 0) this.observer.delivered(handed, 0);
  }

  #decode({ subject, data, seq }: JsMsg): T | undefined {
    try {
      return this.format.decode(subject, data);
    } catch (error) {
      this.#log.warn({ subject, seq, err: error }, "a message cannot be read");
      this.observer.invalid();
      return undefined;
    }
  }
}
