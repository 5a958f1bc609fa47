import { type Event, EventPhase, fromTimestamp } from "@sightline/contracts";
import type { ListEventsRequest } from "@sightline/contracts/api";
import { ApiError } from "../errors.ts";

const mostText = 200;

/** Conditions on the present state of events, in addition to a filter. */
export interface EventSearch {
  /** 0 matches all. */
  minScore: number;
  minDurationSeconds: number;
  /** Words in lower case, all of which must be found. */
  words: readonly string[];
  /** Undefined matches both. */
  reviewed: boolean | undefined;
}

/** @throws ApiError invalid_argument */
export function readEventSearch(request: ListEventsRequest): EventSearch {
  const { minScore, minDurationSeconds, text, reviewed } = request;
  if (!(minScore >= 0 && minScore <= 1))
    throw new ApiError("invalid_argument", `min_score is ${minScore}; expected 0 to 1`);
  if (!(minDurationSeconds >= 0 && minDurationSeconds < Infinity))
    throw new ApiError(
      "invalid_argument",
      `min_duration_seconds is ${minDurationSeconds}; expected 0 or a number of seconds`,
    );
  if (text.length > mostText)
    throw new ApiError("invalid_argument", `text is longer than ${mostText} characters`);
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return { minScore, minDurationSeconds, words, reviewed };
}

/** Whether an event matches in its state at `now`, in milliseconds. An open event lasts until `now`. */
export function passesSearch(
  { minScore, minDurationSeconds, words, reviewed }: EventSearch,
  event: Event,
  now: number,
): boolean {
  // Scores are 32-bit floats: 0.9 is stored as slightly less.
  if (minScore > 0 && Math.max(event.track?.bestScore ?? 0, event.snapshotScore) < Math.fround(minScore))
    return false;
  if (minDurationSeconds > 0 && durationMs(event, now) < minDurationSeconds * 1000) return false;
  if (reviewed !== undefined && reviewed !== (event.review !== undefined)) return false;
  if (words.length === 0) return true;
  const { name, message, rule, zone, line, track } = event;
  const text = [name.replace("cameras/", "").replace("/events/", "/"), message, rule, zone, line];
  const all = [...text, track?.className ?? "", track?.id ?? ""].join("\n").toLowerCase();
  return words.every((word) => all.includes(word));
}

function durationMs({ phase, startTime, endTime }: Event, now: number): number {
  if (!startTime || phase === EventPhase.ONCE) return 0;
  return (endTime ? fromTimestamp(endTime) : now) - fromTimestamp(startTime);
}
