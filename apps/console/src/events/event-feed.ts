import type { HttpEvent, HttpReview } from "@sightline/contracts";
import { type EventFilter, timeOr } from "../api/calls.ts";

/** What identifies an event. */
export type EventId = Pick<HttpEvent, "camera" | "id">;

/** Key of an event, unique over all cameras. */
export function eventKey(event: EventId): string {
  return `${event.camera}/${event.id}`;
}

/** Whether an event passes the filter. */
export function matches(event: HttpEvent, filter: EventFilter): boolean {
  if (filter.camera !== "" && event.camera !== filter.camera) return false;
  if (filter.type !== "" && event.type !== filter.type) return false;
  if (filter.class !== "" && event.track?.className !== filter.class) return false;
  const [attribute = "", value] = (filter.attribute ?? "").split("=");
  if (attribute !== "" && event.track?.attributes?.[attribute]?.value !== value) return false;
  if (filter.reviewed && filter.reviewed !== String(event.review !== undefined)) return false;
  const start = Date.parse(event.startTime);
  if (start < timeOr(filter.from, start) || start >= timeOr(filter.to, Number.POSITIVE_INFINITY))
    return false;
  return (filter.zone === "" || event.zone === filter.zone) && isFound(event, filter);
}

/** The server's filter by words, score and duration (event-search.ts), applied to new events. */
function isFound(event: HttpEvent, { text = "", minScore = "", minSeconds = "" }: EventFilter): boolean {
  const { track, phase, startTime, endTime } = event;
  if (Math.max(track?.bestScore ?? 0, event.snapshotScore ?? 0) < Number(minScore)) return false;
  const end = endTime === null ? Date.now() : Date.parse(endTime);
  const seconds = phase === "once" ? 0 : (end - Date.parse(startTime)) / 1_000;
  if (seconds < Number(minSeconds)) return false;
  const { message, rule, zone, line } = event;
  const all = [eventKey(event), message, rule, zone, line, track?.className, track?.id]
    .join("\n")
    .toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

/** The same events, with the review mark set on the marked one. */
export function withReview(
  events: readonly HttpEvent[],
  { camera, id, review }: EventId & { review: HttpReview | null },
): readonly HttpEvent[] {
  return events.map((event) => {
    if (event.camera !== camera || event.id !== id) return event;
    const { review: _before, ...rest } = event;
    return review ? { ...rest, review } : rest;
  });
}

/** Merges events, newest start first, each once in its newest revision. */
export function mergeEvents(known: readonly HttpEvent[], more: readonly HttpEvent[]): HttpEvent[] {
  const byKey = new Map(known.map((event) => [eventKey(event), event]));
  for (const event of more) {
    const key = eventKey(event);
    const before = byKey.get(key);
    if (!before || event.revision >= before.revision) byKey.set(key, event);
  }
  return [...byKey.values()].sort((a, b) => Date.parse(b.startTime) - Date.parse(a.startTime));
}
