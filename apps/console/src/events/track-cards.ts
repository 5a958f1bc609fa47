import type { HttpEvent } from "@sightline/contracts";
import { eventKey } from "./event-feed.ts";

/** The events of one track, or one event without a track. */
export interface TrackCard {
  /** Stays the same as long as the card has an event in the list. */
  key: string;
  /** Newest first; at least one. */
  events: readonly HttpEvent[];
}

/** Groups events, newest first, into one card per track of a camera; each card has the position of its newest event. */
export function gatherTracks(events: readonly HttpEvent[]): TrackCard[] {
  const cards = new Map<string, HttpEvent[]>();
  for (const event of events) {
    // Neither an event's key nor a camera's name contains two slashes.
    const key = event.track ? `${event.camera}//${event.track.id}` : eventKey(event);
    const card = cards.get(key);
    if (card) card.push(event);
    else cards.set(key, [event]);
  }
  return [...cards].map(([key, events]) => ({ key, events }));
}

/** The event whose picture shows the object best; the newest when none has a picture. */
export function bestPictured(events: readonly HttpEvent[]): HttpEvent {
  const pictured = events.filter(({ hasSnapshot }) => hasSnapshot);
  const score = ({ snapshotScore }: HttpEvent) => snapshotScore ?? 0;
  return pictured.reduce(
    (best, event) => (score(event) > score(best) ? event : best),
    pictured[0] ?? events[0]!,
  );
}

/** From the start of the first event to the end of the last; the end is null while one is still open. */
export function wholeSpan(events: readonly HttpEvent[]): Pick<HttpEvent, "startTime" | "endTime"> {
  const ends = events.map(({ phase, startTime, endTime }) => (phase === "once" ? startTime : endTime));
  const latest = (times: readonly (string | null)[]) =>
    times.reduce((a, b) => (a === null || b === null ? null : Date.parse(a) >= Date.parse(b) ? a : b));
  return { startTime: events.at(-1)!.startTime, endTime: latest(ends) };
}
