import { limits, type SubscribeDetectionsRequest } from "@sightline/contracts";
import { ApiError } from "../grpc/errors.ts";
import { readFilter } from "./detection-filter.ts";
import type { DetectionHub } from "./detection-hub.ts";
import { Subscriber, type SubscriberObserver, type SubscriberSink } from "./subscriber.ts";

export interface DetectionServiceOptions {
  /** Most subscribers at a time. */
  maxSubscribers: number;
  /** Frames kept for a subscriber that reads slowly. */
  maxFrames: number;
}

/** An open subscription. */
export interface Subscription {
  /** The connection can take more. */
  drained(): void;
  stop(): void;
}

/** Opens subscriptions to detections. */
export class DetectionService {
  readonly #hub: DetectionHub;
  readonly #options: DetectionServiceOptions;
  readonly #observer: SubscriberObserver;

  constructor(hub: DetectionHub, options: DetectionServiceOptions, observer: SubscriberObserver) {
    this.#hub = hub;
    this.#options = options;
    this.#observer = observer;
  }

  /** Sends encoded answers to `sink` from now on. @throws ApiError invalid_argument, too_many_subscribers */
  subscribe(request: SubscribeDetectionsRequest, sink: SubscriberSink): Subscription {
    const filter = readFilter(request);
    if (this.#hub.size >= this.#options.maxSubscribers)
      throw new ApiError(
        "too_many_subscribers",
        `there are ${this.#hub.size} subscribers, the most that this server takes (SIGHTLINE_MAX_SUBSCRIBERS)`,
      );
    const bounds = { maxFrames: this.#options.maxFrames, maxBytes: 8 * limits.maxGrpcMessageBytes };
    const subscriber = new Subscriber(sink, bounds, this.#observer);
    const stop = this.#hub.add(filter, subscriber);
    return { drained: () => subscriber.drained(performance.now()), stop };
  }
}
