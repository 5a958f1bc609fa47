import { TrackerOptionsError } from "./errors.ts";

/**
 * Options of a Tracker. Unless something else is said, defaults are those of the reference, the code of the ByteTrack paper
 * (github.com/ifzhang/ByteTrack, tools/demo_track.py and yolox/tracker/byte_tracker.py).
 */
export interface TrackerOptions {
  /** Lowest score for the first association, 0…1. `--track_thresh` 0.5. */
  readonly highScore: number;
  /** Lowest score with which an unmatched observation starts a track, 0…1. In the reference `track_thresh + 0.1`: 0.6. */
  readonly newTrackScore: number;
  /**
   * Observations with a lower score are ignored; those between this and `highScore` can only continue a track.
   * 0.1 in the reference. If a detector publishes only scores from 0.25 up, 0.25 is the real limit.
   */
  readonly lowScore: number;
  /** First association: IoU × score must exceed this. `1 − --match_thresh`: 0.2. */
  readonly matchIou: number;
  /** Second association, for low scores: IoU must exceed this. 0.5 in the reference. */
  readonly secondMatchIou: number;
  /**
   * Whether a low score can also find a lost track again, for example when the object is still partly hidden. In the reference low
   * scores continue only tracks that were found in the last frame.
   */
  readonly lowScoreFindsLost: boolean;
  /** For a track that is not confirmed yet: IoU × score must exceed this. 0.3 in the reference. */
  readonly tentativeMatchIou: number;
  /**
   * A found and a lost track that overlap by more than this are one object; the older stays. 0.85 in the reference. The same is true for two boxes
   * of different classes in one frame: the one with the higher score counts (not in the reference). A rider and a bicycle overlap by less.
   */
  readonly duplicateIou: number;
  /** Observations in a row before a track counts as an object and gets its number. 2 in the reference. */
  readonly confirmHits: number;
  /**
   * How long a track may stay unseen before it ends, in milliseconds. 30 frames (1 s at 30 frames/s) in the reference;
   * longer here, because dropped frames are normal.
   */
  readonly lostMs: number;
  /**
   * The frame interval for which the filter's noise is given, in milliseconds. At this interval the filter
   * equals the reference, which was tuned on videos of 25 and 30 frames/s. By measurement, 40 is as good as or better
   * than other values from 33 to 130, on real and synthetic footage of 5 to 25 frames/s.
   */
  readonly nominalIntervalMs: number;
  /**
   * If a frame has more observations than this, only those with the highest scores are used (not in the reference). Matching is cubic if all boxes
   * overlap: 300 on top of each other take 0.2 s, 1,000 would take 8 s.
   */
  readonly maxObservations: number;
}

export const defaultTrackerOptions: TrackerOptions = {
  highScore: 0.5,
  newTrackScore: 0.6,
  lowScore: 0.1,
  matchIou: 0.2,
  secondMatchIou: 0.5,
  lowScoreFindsLost: false,
  tentativeMatchIou: 0.3,
  duplicateIou: 0.85,
  confirmHits: 2,
  lostMs: 1500,
  nominalIntervalMs: 40,
  maxObservations: 300,
};

const shares = [
  "highScore",
  "newTrackScore",
  "lowScore",
  "matchIou",
  "secondMatchIou",
  "tentativeMatchIou",
  "duplicateIou",
] as const;

/**
 * The defaults, replaced by the given options.
 * @throws {TrackerOptionsError} naming the option that is out of range
 *
 * @example
 * ```ts
 * const options = completeTrackerOptions({ lostMs: 3000 });
 * assert.deepEqual(options, { ...defaultTrackerOptions, lostMs: 3000 });
 * ```
 */
export function completeTrackerOptions(options: Partial<TrackerOptions>): TrackerOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const complete: TrackerOptions = { ...defaultTrackerOptions, ...given };
  for (const name of shares) {
    if (!(complete[name] >= 0 && complete[name] <= 1)) {
      throw new TrackerOptionsError(`${name} must be a number from 0 to 1, not ${complete[name]}.`);
    }
  }
  if (complete.lowScore > complete.highScore) {
    throw new TrackerOptionsError(
      `lowScore (${complete.lowScore}) must not be above highScore (${complete.highScore}).`,
    );
  }
  for (const name of ["confirmHits", "maxObservations"] as const) {
    if (!(Number.isInteger(complete[name]) && complete[name] >= 1)) {
      throw new TrackerOptionsError(`${name} must be a whole number from 1 up, not ${complete[name]}.`);
    }
  }
  for (const name of ["lostMs", "nominalIntervalMs"] as const) {
    if (!(complete[name] > 0 && complete[name] < Infinity)) {
      throw new TrackerOptionsError(
        `${name} must be a positive number of milliseconds, not ${complete[name]}.`,
      );
    }
  }
  return complete;
}
