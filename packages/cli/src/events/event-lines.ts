import type { Event } from "@sightline/contracts";
import { toHttpEvent } from "@sightline/contracts/api";
import { textTable } from "../text-table.ts";

/** The saved pictures, by the name of their event. */
export type SavedPictures = ReadonlyMap<string, string>;

/** Headings of the list; `eventRow` makes the lines under them. */
const headings = ["STARTED", "EVENT", "TYPE", "LASTED", "PICTURE", "NEWEST MESSAGE"];

/** Events as a table, sorted by start, newest first. */
export function eventTable(events: readonly Event[], pictures: SavedPictures): string {
  return textTable([headings, ...events.map((event) => eventRow(event, pictures))]);
}

function eventRow(event: Event, pictures: SavedPictures): string[] {
  const { type, startTime, hasSnapshot, message } = toHttpEvent(event);
  const picture = pictures.get(event.name) ?? (hasSnapshot ? "yes" : "none");
  return [second(startTime), eventId(event), type, lasted(event), picture, message];
}

/** One message about an event, as it comes: its own time, and the event's duration once it is over. */
export function eventLine(event: Event, pictures: SavedPictures): string {
  const { startTime, updateTime, phase, endTime, message } = toHttpEvent(event);
  const span = endTime === null || phase === "once" ? "" : ` (after ${lasted(event)})`;
  const picture = pictures.get(event.name);
  return `${second(updateTime || startTime)}  ${eventId(event).padEnd(24)}  ${phase.padEnd(6)}  ${message}${span}${picture ? `  ${picture}` : ""}`;
}

/** Name of an event on the command line: CAMERA/ID. */
export function eventId(event: Event): string {
  const { camera, id } = toHttpEvent(event);
  return `${camera}/${id}`;
}

/** The camera of an event, by its name on the command line. */
export function cameraOfEvent({ name }: Event): string {
  return name.split("/")[1] ?? "";
}

/** The duration of an event, that it is still open, or `-` for a momentary event. */
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

/** A time to the second, in UTC, in the form for `--from` and `--to`. */
function second(iso: string): string {
  return iso === "" ? "" : `${iso.slice(0, 19)}Z`;
}
