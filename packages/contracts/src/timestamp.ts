import type { Timestamp } from "./gen/google/protobuf/timestamp.ts";

/** Milliseconds since the Unix epoch (may be fractional) → Timestamp. */
export function toTimestamp(milliseconds: number): Timestamp {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanos: Math.floor((milliseconds - seconds * 1000) * 1000) * 1000 };
}

/** Timestamp → milliseconds since the Unix epoch, fractional to the microsecond. */
export function fromTimestamp(timestamp: Timestamp): number {
  return timestamp.seconds * 1000 + timestamp.nanos / 1e6;
}
