import type { HttpEvent } from "@sightline/contracts";
import { type EventFilter, listEvents } from "../api/calls.ts";
import { eventKey } from "./event-feed.ts";

/** The events next to one, among those that pass the filter. */
export interface Neighbours {
  newer: HttpEvent | undefined;
  older: HttpEvent | undefined;
}

/** How far ahead to search for the next newer event, in seconds, step by step: a list begins with its newest event. */
const aheadSeconds = [10, 60, 600, 3_600, 6 * 3_600, 24 * 3_600, 7 * 24 * 3_600, Number.POSITIVE_INFINITY];
/** Events that began in the same millisecond are ordered by their position in a list of this length. */
const atOnce = 50;

/** The neighbours in a list, newest first; undefined when the event is not in it, or at its end. */
export function neighboursIn(
  list: readonly HttpEvent[],
  key: string,
  complete: boolean,
): Neighbours | undefined {
  const at = list.findIndex((event) => eventKey(event) === key);
  if (at < 0 || (at === list.length - 1 && !complete)) return undefined;
  return { newer: list[at - 1], older: list[at + 1] };
}

/** Asks the server for an event's neighbours. */
export async function askNeighbours(
  event: HttpEvent,
  filter: EventFilter,
  signal: AbortSignal,
): Promise<Neighbours> {
  const key = eventKey(event);
  const start = Date.parse(event.startTime);
  const others = (page: { events: HttpEvent[] }) => {
    const at = page.events.findIndex((one) => eventKey(one) === key);
    return { before: page.events.slice(0, Math.max(0, at)), after: page.events.slice(at + 1) };
  };
  const upTo = await listEvents(filter, { to: start + 1, pageSize: atOnce }, signal);
  const [older] = others(upTo).after;
  const sameTime = others(upTo).before.at(-1);
  if (sameTime) return { newer: sameTime, older };
  for (const seconds of aheadSeconds) {
    const to = Number.isFinite(seconds) ? start + 1 + seconds * 1_000 : undefined;
    const newer = await lastOf(filter, start + 1, to, signal);
    if (newer) return { newer, older };
  }
  return { newer: undefined, older };
}

/** Asks the server for the event before or after a time. */
export async function askBeside(
  filter: EventFilter,
  ms: number,
  direction: "previous" | "next",
  signal: AbortSignal,
): Promise<HttpEvent | undefined> {
  if (direction === "previous") return (await listEvents(filter, { to: ms, pageSize: 1 }, signal)).events[0];
  for (const seconds of aheadSeconds) {
    const to = Number.isFinite(seconds) ? ms + seconds * 1_000 : undefined;
    const next = await lastOf(filter, ms, to, signal);
    if (next) return next;
  }
  return undefined;
}

/** The oldest event in a time range. */
async function lastOf(filter: EventFilter, from: number, to: number | undefined, signal: AbortSignal) {
  let last: HttpEvent | undefined;
  let pageToken = "";
  do {
    const page = await listEvents(filter, { from, to, pageSize: 1_000, pageToken }, signal);
    last = page.events.at(-1) ?? last;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return last;
}
