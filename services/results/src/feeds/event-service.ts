import {
  type CountEventsRequest,
  EventServiceService,
  type GetEventRequest,
  type ListEventsRequest,
  type ReviewEventsRequest,
  type SubscribeEventsRequest,
} from "@sightline/contracts";
import type { CameraScope } from "../access/camera-scope.ts";
import type { GrpcCalls } from "../grpc/grpc-calls.ts";
import { preEncoded } from "../grpc/method-codecs.ts";
import { EventCounts } from "../history/event-counts.ts";
import type { EventHistory } from "../history/event-history.ts";
import type { EventReviews } from "../history/event-reviews.ts";
import { readEventFilter } from "./event-format.ts";
import type { EventFeed } from "./feeds.ts";
import { readStart } from "./start-position.ts";
import type { SubscriberSink } from "./subscriber.ts";
import type { OpenSubscription } from "./subscribers.ts";

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

/** EventService whose stream is already encoded. */
export const preEncodedEventService = {
  ...EventServiceService,
  subscribeEvents: preEncoded(EventServiceService.subscribeEvents),
};

/** EventService over gRPC, except pictures. */
export function eventHandlers(
  calls: GrpcCalls,
  service: EventService,
  history: EventHistory,
  reviews: EventReviews,
) {
  const counts = new EventCounts(history);
  return {
    subscribeEvents: calls.stream<SubscribeEventsRequest, Buffer>("SubscribeEvents", (call, { scope }) =>
      service.subscribe(call.request, call, scope),
    ),
    listEvents: calls.unary("ListEvents", (request: ListEventsRequest, { scope }) =>
      history.list(request, scope),
    ),
    countEvents: calls.unary("CountEvents", (request: CountEventsRequest, { scope, signal }) =>
      counts.count(request, scope, signal),
    ),
    reviewEvents: calls.unary(
      "ReviewEvents",
      ({ names, reviewed }: ReviewEventsRequest, { scope, principal }) =>
        reviews.mark(names, reviewed, scope, principal?.name ?? ""),
    ),
    getEvent: calls.unary("GetEvent", async ({ name }: GetEventRequest) => ({
      event: await history.get(name),
    })),
  };
}
