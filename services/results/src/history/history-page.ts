import { fromTimestamp, type Timestamp } from "@sightline/contracts";
import type { StreamPlace } from "@sightline/service";
import { ApiError } from "../errors.ts";
import { endOfTime } from "../feeds/start-position.ts";
import type { StoredMessages, StreamState } from "../feeds/stored-messages.ts";
import { foreignPageToken, type Page, pageTokenAfter } from "./page-token.ts";

/** Most bytes of one page; a page with a single larger item is larger. */
export const maxPageBytes = 640 * 1024;

/** How long one call may scan history before its page ends early, in milliseconds. */
export const maxScanMs = 1_000;

/** How far the clocks of cameras' hosts and of NATS may differ, in milliseconds. */
export const clockSlackMs = 60_000;

/** If the time range has an end, a frame may be missed when it was stored this long after its capture, or later; in milliseconds. */
export const maxStoreDelayMs = 5 * 60_000;

/** A time range in milliseconds: from `start` up to but not including `end`. */
export interface TimeRange {
  start: number;
  end: number;
}

/** Checks the time range of a request. @throws ApiError invalid_argument */
export function readTimeRange(start: Timestamp | undefined, end: Timestamp | undefined): TimeRange {
  const range = {
    start: start ? fromTimestamp(start) : -Infinity,
    end: end ? fromTimestamp(end) : Infinity,
  };
  for (const [field, time] of Object.entries(range))
    if (Math.abs(time) !== Infinity && !(time >= 0 && time < endOfTime))
      throw new ApiError("invalid_argument", `${field}_time is out of range; expected a time after 1970`);
  if (range.start > range.end)
    throw new ApiError("invalid_argument", "the end of the time range is before its start");
  return range;
}

/**
 * Where a page begins in a stream: after, or before, `position`. `bound` is the newest message when the first page was requested, so that
 * paging ends although new messages arrive.
 */
export interface ScanPosition {
  position: number;
  bound: StreamPlace;
}

/** Reads where a page begins; undefined for the first page. @throws ApiError invalid_argument when the stream is another one now */
export function readScanPosition(page: Page, state: StreamState): ScanPosition | undefined {
  if (page.after === "") return undefined;
  const [identity, position, ...bound] = page.after.split(":");
  if (identity !== state.identity.toString("hex")) throw foreignPageToken();
  const at = { position: Number(position), bound: readPlace(bound) };
  if (!Number.isSafeInteger(at.position)) throw foreignPageToken();
  return at;
}

/** Reads the result of `placeFields`. @throws ApiError invalid_argument */
export function readPlace([sequence, time]: readonly (string | undefined)[]): StreamPlace {
  if (!/^\d{1,15}$/.test(sequence ?? "") || !/^\d{1,20}$/.test(time ?? "")) throw foreignPageToken();
  return { sequence: Number(sequence), time: BigInt(time!) };
}

/** A place for a page token. */
export function placeFields({ sequence, time }: StreamPlace): [string, string] {
  return [String(sequence), String(time)];
}

/**
 * Checks that the stream still has what it had when the first page was requested: messages that replaced lost ones would be missing or on
 * the wrong page. @throws ApiError invalid_argument
 */
export async function requireNoLoss(stored: StoredMessages, bound: StreamPlace | undefined): Promise<void> {
  if (bound && (await stored.loss(bound))) throw foreignPageToken();
}

/** The token of the page that begins at this position. */
export function scanToken(page: Page, state: StreamState, { position, bound }: ScanPosition): string {
  return pageTokenAfter(page, [state.identity.toString("hex"), position, ...placeFields(bound)].join(":"));
}

/** Runs a search in history. @throws ApiError history_unavailable when NATS does not answer */
export async function lookUp<R>(task: () => Promise<R>): Promise<R> {
  try {
    return await task();
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError("history_unavailable", "history does not answer (NATS); try again", { cause });
  }
}
