import { limits } from "@sightline/contracts";
import type { SubscribeDetectionsRequest, SubscribeEventsRequest } from "@sightline/contracts/api";
import type { CameraScope } from "../access/camera-scope.ts";
import { readFilter } from "./detection-format.ts";
import { readEventFilter } from "./event-format.ts";
import type { DetectionFeed, EventFeed } from "./feeds.ts";
import { readStart } from "./start-position.ts";
import type { SubscriberSink } from "./subscriber.ts";
import type { OpenSubscription } from "./subscribers.ts";

/** Opens subscriptions to detections. */
export class DetectionService {
  readonly #feed: DetectionFeed;
  readonly #maxFrames: number;

  /** `maxFrames`: frames kept for a slow live subscriber. */
  constructor(feed: DetectionFeed, maxFrames: number) {
    this.#feed = feed;
    this.#maxFrames = maxFrames;
  }

  /**
   * Sends encoded answers about cameras of the scope to `sink`: live, unless the request says where to start.
   * @throws ApiError invalid_argument, cursor_corrupt, cursor_foreign, too_many_subscribers
   */
  subscribe(request: SubscribeDetectionsRequest, sink: SubscriberSink, scope: CameraScope): OpenSubscription {
    const filter = readFilter(request, scope);
    const { feed, subscribers } = this.#feed;
    const start = readStart(feed.format.kind, feed.isOurs, request.start);
    if (start) return subscribers.from(start, filter, request.progress, sink);
    const bounds = { maxFrames: this.#maxFrames, maxBytes: 8 * limits.maxGrpcMessageBytes };
    return subscribers.live(filter, bounds, sink);
  }
}

/** Opens subscriptions to events. */
export class EventService {
  readonly #feed: EventFeed;

  constructor(feed: EventFeed) {
    this.#feed = feed;
  }

  /**
   * Sends encoded answers about cameras of the scope to `sink`, from now on unless the request says where to start.
   * @throws ApiError invalid_argument, cursor_corrupt, cursor_foreign, too_many_subscribers
   */
  subscribe(request: SubscribeEventsRequest, sink: SubscriberSink, scope: CameraScope): OpenSubscription {
    const filter = readEventFilter(request.filter, scope);
    const { feed, subscribers } = this.#feed;
    const start = readStart(feed.format.kind, feed.isOurs, request.start) ?? { from: "newest" };
    return subscribers.from(start, filter, request.progress, sink);
  }
}
