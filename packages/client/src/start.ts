import type { Metadata } from "@grpc/grpc-js";
import { cameraIdOf, fromTimestamp, type Gap, GapReason, type StartPosition } from "@sightline/contracts";
import { toTime } from "./time.ts";

/**
 * Where a subscription begins: with new messages only, with all stored messages, with messages stored at a time or
 * later, or after the message with a cursor.
 */
export type Start = "newest" | "beginning" | Date | { cursor: string };

/** Messages that are permanently lost, at the place where they are missing. */
export interface MissingMessages {
  reason: "expired" | "stream_reset" | "not_analysed";
  /** How many, of all cameras unless `camera` is one; 0 when unknown. */
  messages: number;
  /** Id of the camera, if only messages of one camera are missing. */
  camera: string | undefined;
  /** When the oldest message that still exists was stored. */
  firstAvailableTime: Date | undefined;
}

/** Response header in which the server says where a subscription that begins with the newest stands. */
const cursorHeader = "sightline-cursor";

/** Where the reader of a subscription stands. */
export class Place {
  #start: Start;

  constructor(start: Start) {
    this.#start = start;
  }

  /** Where a call that goes on from here has to begin. */
  get position(): StartPosition {
    return toStartPosition(this.#start);
  }

  /** The message with this cursor has been given to the reader. */
  passed(cursor: string): void {
    if (cursor !== "") this.#start = { cursor };
  }

  /** The server has taken the subscription: what is newer than that comes, however often the connection is lost. */
  opened(headers: Metadata): void {
    const [cursor] = headers.get(cursorHeader);
    if (this.#start === "newest" && typeof cursor === "string") this.passed(cursor);
  }
}

/** The message form of a start. */
export function toStartPosition(start: Start): StartPosition {
  if (start === "newest" || start === "beginning") return { position: { $case: start, value: true } };
  if (start instanceof Date) return { position: { $case: "time", value: toTime(start, "start") } };
  return { position: { $case: "cursor", value: start.cursor } };
}

const gapReasons: Partial<Record<GapReason, MissingMessages["reason"]>> = {
  [GapReason.EXPIRED]: "expired",
  [GapReason.NOT_ANALYSED]: "not_analysed",
};

/** What a gap says. */
export function fromGap({ reason, messages, firstAvailableTime, camera }: Gap): MissingMessages {
  return {
    reason: gapReasons[reason] ?? "stream_reset",
    messages,
    camera: cameraIdOf(camera),
    firstAvailableTime: firstAvailableTime && new Date(fromTimestamp(firstAvailableTime)),
  };
}
