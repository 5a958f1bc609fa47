import type { Timestamp } from "@sightline/contracts";
import { readTimeRange } from "../history/history-page.ts";
import type { VideoRange } from "./recording-holders.ts";

/** Capture times may be ahead of this clock by so much. */
const aheadMs = 24 * 3_600_000;

/** A range of which either end may be open. @throws ApiError invalid_argument */
export function openRange(startTime?: Timestamp, endTime?: Timestamp): VideoRange {
  const { start, end } = readTimeRange(startTime, endTime);
  return {
    fromMs: start === -Infinity ? 0 : start,
    toMs: end === Infinity ? Date.now() + aheadMs : end,
  };
}
