import { fromTimestamp, type StartPosition } from "@sightline/contracts";
import { ApiError } from "../grpc/errors.ts";
import { type CursorKind, type CursorPlace, decodeCursor, type StreamIdentity } from "./cursor.ts";

/** The year 9999, in milliseconds: the last that a timestamp may name. */
export const endOfTime = 253_370_764_800_000;

/** Where to begin reading a stream. */
export type StreamStart =
  | { from: "newest" }
  | { from: "beginning" }
  /** Stored at this time or later, in milliseconds. */
  | { from: "time"; time: number }
  | ({ from: "cursor" } & CursorPlace);

/**
 * Checks where a subscription is to begin; undefined when the request does not say. `isOurs`: whether this system has, or once
 * had, a stream of this identity.
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
      // A time that has not come yet needs no look at what is stored.
      return time > Date.now() ? { from: "newest" } : { from: "time", time };
    }
    case "cursor":
      return { from: "cursor", ...decodeCursor(kind, isOurs, position.value) };
  }
}
