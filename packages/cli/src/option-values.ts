import { InvalidArgumentError } from "commander";

/** Reads an option that is a whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isInteger(value) && value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`expected a whole number ${range}`);
  };
}

/** Reads an option that is a number from `min` to `max`. */
export function numberWithin(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected a number from ${min} to ${max}`);
  };
}

const form = /^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?)?$/;

/** Reads a time from the command line: a date, which means midnight UTC, or date and time, which is local unless it has an offset. */
export function timeOption(text: string): Date {
  // Date accepts much that is not a time: 2026-03-1 would be the evening before.
  const [, year, month, day] = form.exec(text) ?? [];
  const date = new Date(year === undefined ? "" : text);
  // Date reads 31 February as 3 March.
  const isDay =
    new Date(Date.UTC(Number(year), Number(month) - 1, Number(day ?? 1))).getUTCDate() === Number(day ?? 1);
  if (Number.isNaN(date.getTime()) || !isDay)
    throw new InvalidArgumentError("expected a time such as 2026-03-01 or 2026-03-01T08:00:00Z");
  return date;
}

/** Reads `name=value,value`, and adds it to those given before. */
export function attributeValues(
  text: string,
  before: Record<string, string[]> = {},
): Record<string, string[]> {
  const at = text.indexOf("=");
  const name = text.slice(0, Math.max(0, at)).trim();
  const values = text
    .slice(at + 1)
    .split(",")
    .map((value) => value.trim());
  if (name === "" || values.includes(""))
    throw new InvalidArgumentError("expected name=value or name=value,value, such as colour=red");
  return { ...before, [name]: [...(before[name] ?? []), ...values] };
}
