import { fromTimestamp, type Timestamp, toTimestamp } from "@sightline/contracts";
import { SightlineError } from "./errors.ts";

/**
 * A time in a message as a Date.
 *
 * @example
 * ```ts
 * assert.equal(toDate({ seconds: 1_700_000_000, nanos: 0 }).toISOString(), "2023-11-14T22:13:20.000Z");
 * ```
 */
export function toDate(time: Timestamp): Date {
  return new Date(fromTimestamp(time));
}

/** A Date as a message has it; `what` names it in the error. @throws SightlineError INVALID_ARGUMENT for an invalid Date */
export function toTime(date: Date, what: string): Timestamp {
  const milliseconds = date.getTime();
  if (Number.isNaN(milliseconds))
    throw new SightlineError("INVALID_ARGUMENT", `${what} is not a valid date`, {
      reason: "invalid_argument",
    });
  return toTimestamp(milliseconds);
}
