import { InvalidArgumentError } from "commander";

const form = /^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?)?$/;

/** Reads a time of the command line: a date, which begins at midnight UTC, or date and time, local unless it names its offset. */
export function timeOption(text: string): Date {
  // Date makes something of much that is no time: 2026-03-1 would be the evening before.
  const [, year, month, day] = form.exec(text) ?? [];
  const date = new Date(year === undefined ? "" : text);
  // Date takes 31 February for 3 March.
  const isDay =
    new Date(Date.UTC(Number(year), Number(month) - 1, Number(day ?? 1))).getUTCDate() === Number(day ?? 1);
  if (Number.isNaN(date.getTime()) || !isDay)
    throw new InvalidArgumentError("expected a time such as 2026-03-01 or 2026-03-01T08:00:00Z");
  return date;
}
