import {
  type CountEventsRequest,
  EventServiceService,
  type GetEventRequest,
  type ListEventsRequest,
  type ReviewEventsRequest,
  type SubscribeEventsRequest,
} from "@sightline/contracts";
import type { GrpcCalls } from "../grpc/grpc-calls.ts";
import { preEncoded } from "../grpc/pre-encoded.ts";
import { EventCounts } from "../history/event-counts.ts";
import type { EventHistory } from "../history/event-history.ts";
import type { EventReviews } from "../history/event-reviews.ts";
import type { EventService } from "./event-service.ts";

/** EventService whose stream is encoded already. */
export const preEncodedEventService = {
  ...EventServiceService,
  subscribeEvents: preEncoded(EventServiceService.subscribeEvents),
};

/** EventService over gRPC, but for pictures. */
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
