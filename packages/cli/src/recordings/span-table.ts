import type { RecordingSpan } from "@sightline/client";
import { textTable } from "../text-table.ts";
import { recordingTime } from "./recording-time.ts";

const headings = ["FROM", "TO", "LASTS", "VIDEO", "SOUND", "KEPT FOR", "INGEST"];

/** What is kept of a camera, a line for each stretch. */
export function spanTable(spans: readonly RecordingSpan[]): string {
  return textTable([headings, ...spans.map(spanRow)]);
}

function spanRow({ from, to, codec, width, height, audio, eventsOnly, ingest }: RecordingSpan): string[] {
  return [
    recordingTime(from),
    recordingTime(to),
    lasting(to.getTime() - from.getTime()),
    `${codec} ${width}×${height}`,
    audio ? "yes" : "no",
    eventsOnly ? "events" : "always",
    ingest,
  ];
}

function lasting(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
