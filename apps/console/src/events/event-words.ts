import type { HttpEvent } from "@sightline/contracts";
import { shortTrackId } from "../live/draw-picture.ts";
import { title, words } from "../words/names.ts";
import { formatDuration, formatShare, plural } from "../words/numbers-and-times.ts";

/** Types of events, as in rules files. */
export const eventTypes = [
  "appeared",
  "left",
  "entered_zone",
  "left_zone",
  "crossed_line",
  "dwelled",
  "count_above",
  "count_below",
  "camera_down",
  "camera_up",
] as const;

/** What happened, in one line. */
export function eventTitle(event: HttpEvent): string {
  const who = title(event.track?.className || "object");
  const where = event.zone === "" ? "the picture" : event.zone;
  // When the event is over, this is the count that ended it: neither too many nor too few.
  const objects = event.endTime === null ? `: ${plural(event.count, "object")}` : " objects";
  switch (event.type) {
    case "appeared":
      return event.zone === "" ? `${who} appeared` : `${who} appeared in ${event.zone}`;
    case "left":
      return `${who} left`;
    case "entered_zone":
      return `${who} entered ${event.zone}`;
    case "left_zone":
      return `${who} left ${event.zone}`;
    case "crossed_line":
      return `${who} crossed ${event.line} ${words(event.direction)}`.trimEnd();
    case "dwelled":
      return `${who} stayed in ${where}`;
    case "count_above":
      return `Too many${objects} in ${where}`;
    case "count_below":
      return `Too few${objects} in ${where}`;
    case "camera_down":
      return "Camera went down";
    case "camera_up":
      return "Camera is back";
    default:
      return title(event.type);
  }
}

/** What a track did, in one line: its events' titles, oldest first, each once, and its class once. */
export function trackTitle(events: readonly HttpEvent[]): string {
  const who = `${title(events[0]?.track?.className || "object")} `;
  const [first = "", ...rest] = new Set(events.map(eventTitle).reverse());
  return [first, ...rest.map((one) => (one.startsWith(who) ? one.slice(who.length) : one))].join(", ");
}

/** How long it lasted, or that it is still open; empty for a momentary event. */
export function eventSpan(event: HttpEvent): string {
  if (event.phase === "once") return "";
  if (event.endTime === null) return "going on";
  const seconds = (Date.parse(event.endTime) - Date.parse(event.startTime)) / 1000;
  return seconds < 0.05 ? "" : `for ${formatDuration(seconds)}`;
}

/** The object, the rule that reported it, or why a camera went down. */
export function eventFacts({ track, rule, type, message, snapshotScore }: HttpEvent): string {
  // The same score as in the picture next to it.
  const score = formatShare(snapshotScore ?? track?.bestScore ?? 0);
  const object = track ? `track ${shortTrackId(track.id)}, score ${score}` : "";
  // The title already says down or up; the text after the colon is the reason.
  const why =
    type === "camera_down" || type === "camera_up" ? message.replace(/^camera is [^:]*(: )?/, "") : "";
  return [object, rule, why].filter((fact) => fact !== "").join(" · ");
}
