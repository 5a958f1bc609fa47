import type { KV } from "@nats-io/kv";
import type { Lifecycle, Logger, Nats } from "@sightline/service";
import type { ResultsMetrics } from "../results-metrics.ts";
import { type DetectionFeed, detectionFeed, type EventFeed, eventFeed } from "./feeds.ts";
import { StreamMakings } from "./stream-makings.ts";
import { SubscriberCount } from "./subscribers.ts";

/** The served streams, as subscribers see them. */
export interface FeedStart {
  timeline: DetectionFeed;
  events: EventFeed;
  makings: StreamMakings;
  /** Whether both streams are being read. */
  reading(): boolean;
}

/**
 * Reads TIMELINE and EVENTS for subscribers; ends through `life`.
 * @param waitsFor gets what the start is waiting for
 */
export async function startFeeds(
  nats: Nats,
  bucket: KV,
  maxSubscribers: number,
  observers: Pick<ResultsMetrics, "detectionFeed" | "eventFeed">,
  waitsFor: (what: string) => void,
  log: Logger,
  life: Lifecycle,
): Promise<FeedStart> {
  const makings = life.add(new StreamMakings(bucket, log));
  const parts = { nats, count: new SubscriberCount(maxSubscribers), makings, log };
  const timeline = detectionFeed(parts, observers.detectionFeed);
  const events = eventFeed(parts, observers.eventFeed);
  for (const { reader } of [timeline, events]) {
    waitsFor(`what the stream ${reader.stream} holds has not been read yet`);
    life.add(reader);
    await reader.start();
  }
  waitsFor("which makings of the streams there were has not been read yet");
  await makings.settled();
  return { timeline, events, makings, reading: () => timeline.reader.reading && events.reader.reading };
}
