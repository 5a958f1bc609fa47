import {
  DetectionServiceService,
  type ListDetectionsRequest,
  limits,
  type SubscribeDetectionsRequest,
} from "@sightline/contracts";
import type { CameraScope } from "../access/camera-scope.ts";
import type { GrpcCalls } from "../grpc/grpc-calls.ts";
import { preEncoded } from "../grpc/method-codecs.ts";
import type { DetectionHistory } from "../history/detection-history.ts";
import { readFilter } from "./detection-format.ts";
import type { DetectionFeed } from "./feeds.ts";
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
