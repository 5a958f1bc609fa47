import { type Event, toHttpEvent } from "@sightline/contracts";
import { textTable } from "../text-table.ts";

/** A picture that was saved, by the name of its event. */
export type SavedPictures = ReadonlyMap<string, string>;

/** Headings of the list; `eventRow` makes what stands under them. */
const headings = ["STARTED", "EVENT", "TYPE", "LASTED", "PICTURE", "NEWEST MESSAGE"];

/** Events as a table, by when they began, newest first. */
export function eventTable(events: readonly Event[], pictures: SavedPictures): string {
  return textTable([headings, ...events.map((event) => eventRow(event, pictures))]);
}

function eventRow(event: Event, pictures: SavedPictures): string[] {
  const { type, startTime, hasSnapshot, message } = toHttpEvent(event);
  const picture = pictures.get(event.name) ?? (hasSnapshot ? "yes" : "none");
  return [second(startTime), eventId(event), type, lasted(event), picture, message];
}

/** One message about an event, as it comes: its own time, and how long the event lasted when it is over. */
export function eventLine(event: Event, pictures: SavedPictures): string {
  const { startTime, updateTime, phase, endTime, message } = toHttpEvent(event);
  const span = endTime === null || phase === "once" ? "" : ` (after ${lasted(event)})`;
  const picture = pictures.get(event.name);
  return `${second(updateTime || startTime)}  ${eventId(event).padEnd(24)}  ${phase.padEnd(6)}  ${message}${span}${picture ? `  ${picture}` : ""}`;
}

/** How an event is named on the command line: CAMERA/ID. */
export function eventId(event: Event): string {
  const { camera, id } = toHttpEvent(event);
  return `${camera}/${id}`;
}

/** The camera of an event, as the command line names it. */
export function cameraOfEvent({ name }: Event): string {
  return name.split("/")[1] ?? "";
}

/** How long an event lasted, that it goes on, or `-` for what is momentary. */
function lasted(event: Event): string {
  const { phase, startTime, endTime } = toHttpEvent(event);
  if (phase === "once") return "-";
  if (endTime === null) return "going on";
  const seconds = Math.max(0, (Date.parse(endTime) - Date.parse(startTime)) / 1000);
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

/** A time to the second, in UTC, as `--from` and `--to` take it. */
function second(iso: string): string {
  return iso === "" ? "" : `${iso.slice(0, 19)}Z`;
}
