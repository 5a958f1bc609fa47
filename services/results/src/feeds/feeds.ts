import type { Event } from "@sightline/contracts";
import type { Logger, Nats } from "@sightline/service";
import { type DetectionFeedFilter, detectionFormat } from "./detection-format.ts";
import { type EventFeedFilter, eventFormat } from "./event-format.ts";
import { Feed, type FeedObserver } from "./feed.ts";
import type { FeedFilter, FeedFormat } from "./feed-format.ts";
import type { RingLimits } from "./feed-ring.ts";
import { defaultRoundMs, ProgressRounds } from "./progress-rounds.ts";
import { StoredMessages } from "./stored-messages.ts";
import type { StreamMakings } from "./stream-makings.ts";
import { StreamReader } from "./stream-reader.ts";
import { type SubscriberCount, Subscribers } from "./subscribers.ts";
import type { TimelineMessage } from "./timeline-message.ts";

/** Messages of a stream kept in memory: some seconds of many cameras, for subscribers that lag or return. */
const defaultRing: RingLimits = { maxMessages: 8_192, maxBytes: 64 * 1024 ** 2 };
/** How many of them are loaded at the start, for subscribers that return after this service was away. */
const pastMessages = 2_048;

/** A stream as subscribers see it: the newest messages in memory, the rest in storage. */
export interface RunningFeed<T, F extends FeedFilter> {
  feed: Feed<T, F>;
  stored: StoredMessages;
  reader: StreamReader;
  subscribers: Subscribers<T, F>;
}
export type DetectionFeed = RunningFeed<TimelineMessage, DetectionFeedFilter>;
export type EventFeed = RunningFeed<Event, EventFeedFilter>;

/** What feeds are created from. */
export interface FeedParts {
  nats: Nats;
  count: SubscriberCount;
  makings: StreamMakings;
  log: Logger;
  /** Limits of the memory; default: `defaultRing`. */
  ring?: RingLimits;
  /** How long nothing must have been written to a subscriber before it gets its progress; default: `defaultRoundMs`. */
  progressMs?: number;
}

/** The feed of frames with detections; start its `reader`, and stop it at the end. */
export function detectionFeed(parts: FeedParts, observer: FeedObserver): DetectionFeed {
  return makeFeed(detectionFormat, parts, observer);
}

/** The feed of events; start its `reader`, and stop it at the end. */
export function eventFeed(parts: FeedParts, observer: FeedObserver): EventFeed {
  return makeFeed(eventFormat, parts, observer);
}

function makeFeed<T, F extends FeedFilter>(
  format: FeedFormat<T, F>,
  { nats, count, makings, log, ring = defaultRing, progressMs = defaultRoundMs }: FeedParts,
  observer: FeedObserver,
): RunningFeed<T, F> {
  const feed = new Feed(format, ring, makings, observer, log);
  const stored = new StoredMessages(nats, format.stream);
  const reader = new StreamReader(nats, format.stream, pastMessages, feed, log);
  const rounds = new ProgressRounds(format, progressMs);
  return { feed, stored, reader, subscribers: new Subscribers(feed, stored, rounds, count, log) };
}
