import {
  type Event,
  EventPhase,
  fromTimestamp,
  limits,
  type RecordingsAnswer,
  type Timestamp,
} from "@sightline/contracts";
import { readTimeRange } from "../history/history-page.ts";

/** A time range in milliseconds since 1970: from `fromMs` up to but not including `toMs`. */
export interface VideoRange {
  fromMs: number;
  toMs: number;
}

/** Capture times may be ahead of this clock by this much. */
const aheadMs = 24 * 3_600_000;

/** A range with optional ends. @throws ApiError invalid_argument */
export function openRange(startTime?: Timestamp, endTime?: Timestamp): VideoRange {
  const { start, end } = readTimeRange(startTime, endTime);
  return {
    fromMs: start === -Infinity ? 0 : start,
    toMs: end === Infinity ? Date.now() + aheadMs : end,
  };
}

/** How much before and after an event is searched; its ingest says how much is kept. */
const mostRollMs = 10 * 60_000;

/** The time range of an event itself, in milliseconds since 1970; until `now` when it has not ended. */
export function timeOfEvent(event: Event, now: number): VideoRange {
  const startMs = event.startTime ? fromTimestamp(event.startTime) : 0;
  const end = event.endTime ?? (event.phase === EventPhase.ONCE ? event.updateTime : undefined);
  return { fromMs: startMs, toMs: Math.max(startMs, end ? fromTimestamp(end) : now) };
}

/** Where to look for an event's video. */
export function searchedRange({ fromMs, toMs }: VideoRange): VideoRange {
  return { fromMs: fromMs - mostRollMs, toMs: toMs + mostRollMs };
}

/** The shown range of an event: with what is kept before and after it; only the beginning when it is longer than one MP4 may be. */
export function clipRange(event: VideoRange, { preRollMs, postRollMs }: RecordingsAnswer): VideoRange {
  const fromMs = event.fromMs - preRollMs;
  return { fromMs, toMs: Math.min(event.toMs + postRollMs, fromMs + limits.maxVideoRangeMs) };
}
