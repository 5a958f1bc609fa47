import type { Timestamp } from "./gen/google/protobuf/timestamp.ts";
import { DropReason } from "./gen/sightline/v1/frame.ts";

/** Names of an enum's values in JSON. */
export type EnumName<T> = Lowercase<Exclude<keyof T & string, "UNSPECIFIED">>;

/** Name of an enum's value in JSON (`entered_zone`); empty when it is unspecified or unknown. */
export function enumName<T extends Record<string, number>>(values: T, value: number): EnumName<T> | "" {
  const name = Object.entries(values)
    .find(([, number]) => number === value)?.[0]
    .toLowerCase();
  return name === undefined || name === "unspecified" ? "" : (name as EnumName<T>);
}

/** The enum value for a name in JSON; undefined when there is none. */
export function enumValue<T extends Record<string, number>>(values: T, name: string): T[keyof T] | undefined {
  if (name === "unspecified") return undefined;
  const key = name.toUpperCase();
  return Object.hasOwn(values, key) ? (values[key] as T[keyof T]) : undefined;
}

/** Every reason for dropping a frame, in the order of the enum. */
export const dropReasons: readonly DropReason[] = Object.values(DropReason).filter(
  (reason) => reason !== DropReason.UNSPECIFIED,
);

/** Name of a reason in metrics and output: `sampled_out`, `superseded`, … */
export function dropReasonLabel(reason: DropReason): string {
  return enumName(DropReason, reason) || "unspecified";
}

/** The shortest decimal with the same 32-bit float value: 0.3, not 0.30000001192092896. */
export function shortestFloat(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === Math.fround(value)) return candidate;
  }
  return value;
}

/** Milliseconds since the Unix epoch (may be fractional) → Timestamp. */
export function toTimestamp(milliseconds: number): Timestamp {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanos: Math.floor((milliseconds - seconds * 1000) * 1000) * 1000 };
}

/** Timestamp → milliseconds since the Unix epoch, fractional to the microsecond. */
export function fromTimestamp(timestamp: Timestamp): number {
  return timestamp.seconds * 1000 + timestamp.nanos / 1e6;
}

/** ISO 8601 in UTC; null when unset. */
export function toIso(time: Timestamp | undefined): string | null {
  return time ? new Date(fromTimestamp(time)).toISOString() : null;
}
