import type { Buckets, Lifecycle, Logger, Nats } from "@sightline/service";
import type { FeedStart } from "../feeds/start-feeds.ts";
import type { Mirrors } from "../mirrors.ts";
import { DetectionHistory, ZoneLookup } from "./detection-history.ts";
import { EventHistory } from "./event-history.ts";
import { EventReviews } from "./event-reviews.ts";

/** What was stored, for those who look back. */
export interface HistoryParts {
  detections: DetectionHistory;
  events: EventHistory;
  reviews: EventReviews;
}

/** Opens the stored detections and events; the notes about reviewed events end through `life`. */
export async function startHistory(
  nats: Nats,
  buckets: Buckets,
  { rules, reviews: known }: Mirrors,
  { timeline, events }: Pick<FeedStart, "timeline" | "events">,
  /** For how long events are kept. */
  keptSeconds: number,
  log: Logger,
  life: Lifecycle,
): Promise<HistoryParts> {
  const zones = new ZoneLookup((camera) => rules.get(camera));
  const reviews = life.add(
    new EventReviews(nats, buckets.eventReviews, known, events.stored, keptSeconds, log),
  );
  await reviews.start();
  return {
    detections: new DetectionHistory(timeline.stored, zones),
    events: new EventHistory(events.stored, (name) => reviews.find(name)),
    reviews,
  };
}
