import { type FrameDetections, SubscribeDetectionsResponse } from "@sightline/contracts";
import { applyFilter, type DetectionFilter } from "./detection-filter.ts";
import type { Subscriber } from "./subscriber.ts";

interface Group {
  filter: DetectionFilter;
  subscribers: Set<Subscriber>;
}

/**
 * Hands every frame to all subscribers that want it. A filter runs once for all who have the same, and a frame is
 * encoded once for all filters that let the same detections through: the cost of one more subscriber is a write.
 */
export class DetectionHub {
  readonly #groups = new Map<string, Group>();
  #size = 0;

  /** Subscribers now. */
  get size(): number {
    return this.#size;
  }

  /** Adds a subscriber; the returned function removes it and may be called twice. */
  add(filter: DetectionFilter, subscriber: Subscriber): () => void {
    const group = this.#groups.get(filter.key) ?? { filter, subscribers: new Set() };
    this.#groups.set(filter.key, group);
    group.subscribers.add(subscriber);
    this.#size++;
    return () => {
      if (!group.subscribers.delete(subscriber)) return;
      this.#size--;
      if (group.subscribers.size === 0) this.#groups.delete(filter.key);
    };
  }

  /** Offers a frame to every subscriber that wants it. */
  publish(event: FrameDetections): void {
    const now = performance.now();
    const encoded = new Map<string, Buffer>();
    for (const { filter, subscribers } of this.#groups.values()) {
      const passing = applyFilter(filter, event);
      if (passing === undefined) continue;
      const outcome = passing === "all" ? passing : passing.join();
      const message = encoded.get(outcome) ?? encode(event, passing);
      encoded.set(outcome, message);
      for (const subscriber of subscribers) subscriber.offer(message, now);
    }
  }
}

function encode(event: FrameDetections, passing: number[] | "all"): Buffer {
  const value =
    passing === "all" ? event : { ...event, detections: passing.map((i) => event.detections[i]!) };
  const bytes = SubscribeDetectionsResponse.encode({ event: { $case: "frame", value }, cursor: "" }).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
