import {
  type CountEventsRequest,
  DetectionServiceService,
  EventServiceService,
  type GetEventRequest,
  type ListDetectionsRequest,
  type ListEventsRequest,
  type ReviewEventsRequest,
  type SubscribeDetectionsRequest,
  type SubscribeEventsRequest,
  type SubscriptionServiceServer,
} from "@sightline/contracts/api";
import type { DetectionService, EventService } from "../feeds/feed-services.ts";
import type { DetectionHistory } from "../history/detection-history.ts";
import { EventCounts } from "../history/event-counts.ts";
import type { EventHistory } from "../history/event-history.ts";
import type { EventReviews } from "../history/event-reviews.ts";
import type { SubscriptionService } from "../subscriptions/subscription-service.ts";
import type { GrpcCalls } from "./grpc-calls.ts";
import { preEncoded } from "./method-codecs.ts";

/** DetectionService whose stream is already encoded. */
export const preEncodedDetectionService = {
  ...DetectionServiceService,
  subscribeDetections: preEncoded(DetectionServiceService.subscribeDetections),
};

/** DetectionService over gRPC. */
export function detectionHandlers(calls: GrpcCalls, service: DetectionService, history: DetectionHistory) {
  return {
    subscribeDetections: calls.stream<SubscribeDetectionsRequest, Buffer>(
      "SubscribeDetections",
      (call, { scope }) => service.subscribe(call.request, call, scope),
    ),
    listDetections: calls.unary("ListDetections", (request: ListDetectionsRequest, { scope }) =>
      history.list(request, scope),
    ),
  };
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

/** SubscriptionService over gRPC. */
export function subscriptionHandlers(
  calls: GrpcCalls,
  service: SubscriptionService,
): SubscriptionServiceServer {
  return {
    createSubscription: calls.unary("CreateSubscription", async (r, { scope }) => ({
      subscription: await service.create(r, scope),
    })),
    getSubscription: calls.unary("GetSubscription", async (r, { scope }) => ({
      subscription: await service.get(r, scope),
    })),
    listSubscriptions: calls.unary("ListSubscriptions", (r, { scope }) => service.list(r, scope)),
    deleteSubscription: calls.unary("DeleteSubscription", async (r, { scope }) => {
      await service.delete(r, scope);
      return {};
    }),
    consume: calls.stream("Consume", (call, { scope }) => service.consume(call.request, call, scope)),
    acknowledge: calls.unary("Acknowledge", async (r, { scope }) => {
      await service.acknowledge(r, scope);
      return {};
    }),
    reject: calls.unary("Reject", async (r, { scope }) => {
      await service.reject(r, scope);
      return {};
    }),
    listDeadLetters: calls.unary("ListDeadLetters", (r) => service.listDeadLetters(r)),
    deleteDeadLetter: calls.unary("DeleteDeadLetter", async (r) => {
      await service.deleteDeadLetter(r);
      return {};
    }),
  };
}
