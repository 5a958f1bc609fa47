import type { Gap } from "@sightline/contracts";
import { type DeadLetter, EventFilter, type Subscription, SubscriptionKind } from "@sightline/contracts/api";
import { applyFilter, isOfCamera, readFilter } from "../feeds/detection-format.ts";
import { decodeEvent, passesFilter, readEventFilter } from "../feeds/event-format.ts";
import { decodeTimeline, isFrame, notAnalysedGap } from "../feeds/timeline-message.ts";

/** What a subscription delivers: an event or a frame. */
export type SubscribedMessage = NonNullable<DeadLetter["message"]>;

/** Reads a message; undefined when it is not wanted. @throws when it cannot be read */
export type MessageReader = (
  subject: string,
  data: Uint8Array,
) => SubscribedMessage | { $case: "gap"; value: Gap } | undefined;

/** Reads the messages of a subscription's stream with its filter. */
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
    const message = decodeTimeline(subject, data);
    if (!message) return undefined;
    if (!isFrame(message))
      return isOfCamera(wanted, message.camera)
        ? { $case: "gap", value: notAnalysedGap(message) }
        : undefined;
    const passing = applyFilter(wanted, message);
    if (passing === undefined) return undefined;
    const detections =
      passing === "all" ? message.detections : passing.map((index) => message.detections[index]!);
    return { $case: "frame", value: { ...message, detections } };
  };
}
