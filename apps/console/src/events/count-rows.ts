import type { HttpEventCount } from "@sightline/contracts";
import { title, words } from "../words/names.ts";

/** Ways of counting events: their names, and the field that the server counts by. */
export const countings = [
  ["hour", "Hour", ["hour"]],
  ["camera", "Camera", ["camera"]],
  ["class", "Class", ["class"]],
  ["type", "What", ["type"]],
  ["zone", "Zone", ["zone"]],
  ["line", "Line and direction", ["line", "direction"]],
] as const;

export type Counting = (typeof countings)[number][0];

/** One bar of a chart, and one row of the table behind it. */
export interface CountRow {
  name: string;
  events: number;
  seconds: number;
}

const hourMs = 3_600_000;
const hour = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

/** The counts as rows: hours in order, including those without events; everything else sorted by count. */
export function countRows(
  counts: readonly HttpEventCount[],
  counting: Counting,
  fromMs: number,
  toMs: number,
): CountRow[] {
  if (counting === "hour") {
    const byHour = new Map(counts.map((count) => [Date.parse(count.hour ?? ""), count]));
    const rows: CountRow[] = [];
    for (let ms = Math.floor(fromMs / hourMs) * hourMs; ms < toMs; ms += hourMs) {
      const { events = 0, seconds = 0 } = byHour.get(ms) ?? {};
      rows.push({ name: hour.format(ms), events, seconds });
    }
    return rows;
  }
  // Events in no zone, or across no line, have no place in such a chart.
  const named =
    counting === "line" || counting === "zone" ? counts.filter((count) => count[counting]) : counts;
  return named
    .map((count) => ({ name: nameOf(count, counting), events: count.events, seconds: count.seconds }))
    .sort((a, b) => b.events - a.events);
}

/** The rows as CSV (RFC 4180). */
export function countCsv(rows: readonly CountRow[], counting: Counting): string {
  const field = (value: string | number) =>
    /[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
  const records = [
    [counting, "events", "seconds"],
    ...rows.map(({ name, events, seconds }) => [name, events, seconds]),
  ];
  return records.map((record) => `${record.map(field).join(",")}\r\n`).join("");
}

function nameOf(count: HttpEventCount, counting: Exclude<Counting, "hour">): string {
  if (counting === "type") return title(count.type ?? "");
  if (counting === "line") return `${count.line} ${words(count.direction ?? "")}`.trimEnd();
  return count[counting] || "none";
}
