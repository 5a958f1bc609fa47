import { fromTimestamp, type StartPosition } from "@sightline/contracts";
import { ApiError } from "../errors.ts";
import { type CursorKind, type CursorPlace, decodeCursor, type StreamIdentity } from "./cursor.ts";

/** The year 9999, in milliseconds: the last one allowed in a timestamp. */
export const endOfTime = 253_370_764_800_000;

/** Where to begin reading a stream. */
export type StreamStart =
  | { from: "newest" }
  | { from: "beginning" }
  /** Stored at or after this time, in milliseconds. */
  | { from: "time"; time: number }
  | ({ from: "cursor" } & CursorPlace);

/**
 * Checks where a subscription should begin; undefined when the request does not say. `isOurs`: whether this system has, or once had, a
 * stream with this identity.
 * @throws ApiError invalid_argument, cursor_corrupt, cursor_foreign
 */
export function readStart(
  kind: CursorKind,
  isOurs: (identity: StreamIdentity) => boolean,
  start: StartPosition | undefined,
): StreamStart | undefined {
  const position = start?.position;
  if (!start) return undefined;
  if (!position)
    throw new ApiError("invalid_argument", "start is empty; expected one of newest, beginning, time, cursor");
  switch (position.$case) {
    case "newest":
    case "beginning":
      if (!position.value)
        throw new ApiError(
          "invalid_argument",
          `start.${position.$case} is false; expected true, or another start`,
        );
      return { from: position.$case };
    case "time": {
      const time = fromTimestamp(position.value);
      if (!(time >= 0 && time < endOfTime))
        throw new ApiError("invalid_argument", "start.time is out of range; expected a time after 1970");
      // For a time in the future, stored messages do not matter.
      return time > Date.now() ? { from: "newest" } : { from: "time", time };
    }
    case "cursor":
      return { from: "cursor", ...decodeCursor(kind, isOurs, position.value) };
  }
}
