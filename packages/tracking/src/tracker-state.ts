import { z } from "zod";
import { TrackerStateError } from "./errors.ts";
import { filterLength, rescaleTime } from "./kalman-filter.ts";
import { Track } from "./track.ts";

export const trackerStateVersion = 2;

/** More than in any scene. It limits how much memory a stored state can make the tracker allocate. */
const maxTracks = 100_000;

const count = z.number().int().nonnegative();

const stateSchema = z
  .strictObject({
    version: z.literal(trackerStateVersion),
    nominalIntervalMs: z.number().positive(),
    nextNumber: z.number().int().positive(),
    /** Null before the first call with a time. */
    nowMs: z.number().nullable(),
    /** Null before the first frame. */
    frameMs: z.number().nullable(),
    tracks: z
      .array(
        z.strictObject({
          number: count,
          status: z.enum(["tentative", "tracked", "lost"]),
          hits: count,
          classId: z.number(),
          /** For each class as which the object was found: the sum of the scores. */
          votes: z.array(z.strictObject({ classId: z.number(), weight: z.number() })).min(1),
          firstSeenMs: z.number(),
          lastSeenMs: z.number(),
          /** Per centre x, centre y, aspect, height: value, velocity, and their covariance (pp, pv, vv). */
          filter: z.array(z.number()).length(filterLength),
        }),
      )
      .max(maxTracks),
  })
  .refine(({ frameMs, nowMs, tracks }) => tracks.length === 0 || (frameMs !== null && nowMs !== null), {
    error: "there are tracks but no time",
  });

/** A tracker's whole state, plain JSON. Times are milliseconds, velocities per `nominalIntervalMs`. */
export type TrackerState = z.infer<typeof stateSchema>;

/** Version 1 kept tracks to one class each, that of their first observation. */
function fromOlder(state: unknown): unknown {
  const older = olderSchema.safeParse(state);
  if (!older.success) return state;
  const tracks = older.data.tracks.map((track) => ({
    ...track,
    votes: [{ classId: track.classId, weight: 1 }],
  }));
  return { ...older.data, version: trackerStateVersion, tracks };
}

const olderSchema = z.looseObject({
  version: z.literal(1),
  tracks: z.array(z.looseObject({ classId: z.number() })).max(maxTracks),
});

/**
 * Checks a stored state and converts it to the tracker's own form.
 * @throws {TrackerStateError} it is malformed or of an unknown version
 */
export function restoreTracker(
  state: unknown,
  nominalIntervalMs: number,
): { tracks: Track[]; nextNumber: number; nowMs: number; frameMs: number } {
  const parsed = stateSchema.safeParse(fromOlder(state));
  if (!parsed.success) {
    throw new TrackerStateError(
      `The stored tracker state cannot be continued: ${z.prettifyError(parsed.error)}`,
      { cause: parsed.error },
    );
  }
  const { nextNumber, nowMs, frameMs } = parsed.data;
  const ratio = nominalIntervalMs / parsed.data.nominalIntervalMs;
  const tracks = parsed.data.tracks.map((stored) => {
    const filter = Float64Array.from(stored.filter);
    if (ratio !== 1) rescaleTime(filter, ratio);
    const track = new Track(stored.classId, stored.votes, stored.firstSeenMs, stored.lastSeenMs, filter);
    track.number = stored.number;
    track.status = stored.status;
    track.hits = stored.hits;
    return track;
  });
  return {
    tracks,
    nextNumber,
    nowMs: nowMs ?? Number.NEGATIVE_INFINITY,
    frameMs: frameMs ?? Number.NEGATIVE_INFINITY,
  };
}
