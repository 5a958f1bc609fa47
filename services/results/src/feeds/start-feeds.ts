import type { KV } from "@nats-io/kv";
import type { Lifecycle, Logger, Nats, ServiceStart } from "@sightline/service";
import type { ResultsMetrics } from "../results-metrics.ts";
import { DetectionService, EventService } from "./feed-services.ts";
import { type DetectionFeed, detectionFeed, type EventFeed, eventFeed } from "./feeds.ts";
import { StreamMakings } from "./stream-makings.ts";
import { SubscriberCount } from "./subscribers.ts";

/** The served streams, as subscribers see them. */
export interface FeedStart {
  timeline: DetectionFeed;
  events: EventFeed;
  detectionService: DetectionService;
  eventService: EventService;
  makings: StreamMakings;
  /** Whether both streams are being read. */
  reading(): boolean;
}

export interface FeedSettings {
  maxSubscribers: number;
  /** Frames kept for a slow live subscriber. */
  subscriberBuffer: number;
}

/** Reads TIMELINE and EVENTS for subscribers; ends through `life`. */
export async function startFeeds(
  { maxSubscribers, subscriberBuffer }: FeedSettings,
  nats: Nats,
  bucket: KV,
  observers: Pick<ResultsMetrics, "detectionFeed" | "eventFeed">,
  start: Pick<ServiceStart, "waitsFor">,
  log: Logger,
  life: Lifecycle,
): Promise<FeedStart> {
  const makings = life.add(new StreamMakings(bucket, log));
  const parts = { nats, count: new SubscriberCount(maxSubscribers), makings, log };
  const timeline = detectionFeed(parts, observers.detectionFeed);
  const events = eventFeed(parts, observers.eventFeed);
  for (const { reader } of [timeline, events]) {
    start.waitsFor(`what the stream ${reader.stream} holds has not been read yet`);
    life.add(reader);
    await reader.start();
  }
  start.waitsFor("which makings of the streams there were has not been read yet");
  await makings.settled();
  return {
    timeline,
    events,
    detectionService: new DetectionService(timeline, subscriberBuffer),
    eventService: new EventService(events),
    makings,
    reading: () => timeline.reader.reading && events.reader.reading,
  };
}
