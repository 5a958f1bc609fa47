import { type DeadLetter, EventFilter, type Subscription, SubscriptionKind } from "@sightline/contracts";
import { applyFilter, readFilter } from "../feeds/detection-filter.ts";
import { passesFilter, readEventFilter } from "../feeds/event-filter.ts";
import { decodeEvent } from "../feeds/event-format.ts";
import { decodeFrame } from "../feeds/timeline-message.ts";

/** What a subscription delivers: an event or a frame. */
export type SubscribedMessage = NonNullable<DeadLetter["message"]>;

/** Reads a message; undefined for one that is not wanted. @throws for one that cannot be read */
export type MessageReader = (subject: string, data: Uint8Array) => SubscribedMessage | undefined;

/** Reads the messages of a subscription's stream through its filter. */
export function messageReader({ kind, filter = EventFilter.create() }: Subscription): MessageReader {
  if (kind === SubscriptionKind.EVENTS) {
    const wanted = readEventFilter(filter);
    return (subject, data) => {
      const value = decodeEvent(subject, data);
      return passesFilter(wanted, value) ? { $case: "event", value } : undefined;
    };
  }
  const { cameras, classes } = filter;
  const wanted = readFilter({ cameras, classes, minScore: 0, includeEmpty: classes.length === 0 });
  return (subject, data) => {
    const frame = decodeFrame(subject, data);
    const passing = frame && applyFilter(wanted, frame);
    if (!frame || passing === undefined) return undefined;
    const detections =
      passing === "all" ? frame.detections : passing.map((index) => frame.detections[index]!);
    return { $case: "frame", value: { ...frame, detections } };
  };
}
