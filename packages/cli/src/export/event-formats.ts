import { type Event, type HttpAttributes, type HttpEvent, toHttpEvent } from "@sightline/contracts";
import { type CsvValue, csvRecord } from "./csv.ts";

const columns: readonly (readonly [name: string, value: (event: HttpEvent) => CsvValue])[] = [
  ["camera", ({ camera }) => camera],
  ["id", ({ id }) => id],
  ["type", ({ type }) => type],
  ["phase", ({ phase }) => phase],
  ["revision", ({ revision }) => revision],
  ["rule", ({ rule }) => rule],
  ["zone", ({ zone }) => zone],
  ["line", ({ line }) => line],
  ["direction", ({ direction }) => direction],
  ["track_id", ({ track }) => track?.id],
  ["class", ({ track }) => track?.className],
  ["attributes", ({ track }) => attributesText(track?.attributes)],
  ["best_score", ({ track }) => track?.bestScore],
  ["count", ({ count }) => count],
  ["start_time", ({ startTime }) => startTime],
  ["update_time", ({ updateTime }) => updateTime],
  ["end_time", ({ endTime }) => endTime],
  ["end_reason", ({ endReason }) => endReason],
  ["has_snapshot", ({ hasSnapshot }) => String(hasSnapshot)],
  ["has_clip", ({ hasClip }) => String(hasClip)],
  ["message", ({ message }) => message],
];

/** Events as JSON Lines, in the form of the HTTP API. */
export async function* eventsAsJsonLines(events: AsyncIterable<Event>): AsyncGenerator<string, void> {
  for await (const event of events) yield `${JSON.stringify(toHttpEvent(event))}\n`;
}

/** Events as CSV with a header; one record each. */
export async function* eventsAsCsv(events: AsyncIterable<Event>): AsyncGenerator<string, void> {
  yield csvRecord(columns.map(([name]) => name));
  for await (const event of events) {
    const shown = toHttpEvent(event);
    yield csvRecord(columns.map(([, value]) => value(shown)));
  }
}

/** `colour=red; helmet=none` */
function attributesText(attributes: HttpAttributes = {}): string {
  return Object.entries(attributes)
    .map(([name, { value }]) => `${name}=${value}`)
    .join("; ");
}
