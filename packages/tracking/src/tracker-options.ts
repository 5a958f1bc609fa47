import { TrackerOptionsError } from "./errors.ts";

/**
 * How a Tracker decides. Defaults are those of the ByteTrack paper's code (github.com/ifzhang/ByteTrack,
 * tools/demo_track.py and yolox/tracker/byte_tracker.py) unless said otherwise.
 */
export interface TrackerOptions {
  /** Observations from this score on take part in the first association. `--track_thresh` 0.5. */
  readonly highScore: number;
  /** An unmatched observation starts a track from this score on. `track_thresh + 0.1` there: 0.6. */
  readonly newTrackScore: number;
  /**
   * Observations below this are not looked at; those between here and `highScore` can only continue a track.
   * 0.1 there. A detector that publishes from 0.25 up makes 0.25 the effective bound.
   */
  readonly lowScore: number;
  /** First association: IoU × score must exceed this. `1 − --match_thresh`: 0.2. */
  readonly matchIou: number;
  /** Second association, of low scores: IoU must exceed this. 0.5 there. */
  readonly secondMatchIou: number;
  /**
   * Whether a low score can also find a lost track again, as at the rim of what hid the object. Not so there, where only
   * tracks found in the last frame are continued by low scores.
   */
  readonly lowScoreFindsLost: boolean;
  /** A track not yet confirmed: IoU × score must exceed this. 0.3 there. */
  readonly tentativeMatchIou: number;
  /**
   * A found track and a lost one that overlap by more than this are one object; the older stays. 0.85 there. Likewise two boxes
   * of different classes in one frame: the one with the higher score counts. Not there. A rider and a bicycle overlap by less.
   */
  readonly duplicateIou: number;
  /** Observations in a row before a track counts as an object and gets its number. 2 there. */
  readonly confirmHits: number;
  /**
   * How long a track may go unseen before it ends, in milliseconds. 30 frames (1 s at 30 frames/s) there;
   * longer here because dropped frames are part of the time, not an exception.
   */
  readonly lostMs: number;
  /**
   * The interval for which the filter's noise is given, in milliseconds: at this frame interval the filter
   * is the reference's. That was tuned on videos of 25 and 30 frames/s; 40 was measured to be as good or better
   * than 33 to 130 on real and synthetic footage of 5 to 25 frames/s.
   */
  readonly nominalIntervalMs: number;
  /**
   * Of more observations than this in a frame only those of the highest scores are looked at. Matching is cubic where all boxes
   * overlap: 300 on top of each other take 0.2 s, 1,000 would take 8. Not there.
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
 * The defaults with the given options in their place.
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
