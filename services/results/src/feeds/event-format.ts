import { Event, parseEventName, SubscribeEventsResponse, streams, subjects } from "@sightline/contracts";
import { type EventFeedFilter, passesFilter } from "./event-filter.ts";
import type { FeedFormat } from "./feed-format.ts";

/** Messages about events. */
export const eventFormat: FeedFormat<Event, EventFeedFilter> = {
  kind: "events",
  stream: streams.events,
  subjectOf: (camera) => subjects.event(camera, "*"),
  decode: decodeEvent,
  select: (filter, event) => (passesFilter(filter, event) ? "all" : undefined),
  encode(value, _selection, cursor) {
    return SubscribeEventsResponse.encode({ event: { $case: "happened", value }, cursor }).finish();
  },
  encodeGap(value, cursor) {
    return SubscribeEventsResponse.encode({ event: { $case: "gap", value }, cursor }).finish();
  },
  encodeProgress(cursor) {
    return SubscribeEventsResponse.encode({ event: { $case: "progress", value: {} }, cursor }).finish();
  },
};

/** An event from its message in the stream. @throws for what is no event, or another subject's */
export function decodeEvent(subject: string, data: Uint8Array): Event {
  const event = Event.decode(data);
  const name = parseEventName(event.name);
  if (!name || subject !== subjects.event(name.camera, name.id))
    throw new Error("the event is not of its subject");
  return event;
}
