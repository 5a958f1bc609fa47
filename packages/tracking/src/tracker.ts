import { Association, type Matching } from "./association.ts";
import { isProperBox, type Observation } from "./box.ts";
import { removeDuplicates, suppressDoubles } from "./duplicates.ts";
import { TrackerTimeError } from "./errors.ts";
import { filterAt } from "./kalman-filter.ts";
import { type ActiveTrack, Track, type TrackUpdate } from "./track.ts";
import { completeTrackerOptions, type TrackerOptions } from "./tracker-options.ts";
import { restoreTracker, type TrackerState, trackerStateVersion } from "./tracker-state.ts";

/**
 * Follows the objects of one camera with the ByteTrack method (Zhang et al., ECCV 2022), with time in milliseconds
 * instead of frame counts, so that dropped frames and uneven capture times do not matter.
 *
 * Pure and deterministic: no clock, no randomness. The same calls give the same results bit for bit, also when a
 * snapshot was taken and restored in between. A track gets its number only when it is confirmed, so noise uses up no numbers.
 *
 * @example
 * ```ts
 * const tracker = new Tracker({ lostMs: 1000 });
 * const person = { classId: 0, score: 0.9, box: { xMin: 10, yMin: 10, xMax: 50, yMax: 90 } };
 * assert.deepEqual(tracker.update(0, [person]).started, []); // Once may be noise.
 * assert.deepEqual(tracker.update(100, [person]).trackNumbers, [1]);
 *
 * const later = new Tracker({ lostMs: 1000 }, tracker.snapshot());
 * assert.deepEqual(later.advance(2000).ended, [1]);
 * ```
 */
export class Tracker {
  readonly #options: TrackerOptions;
  readonly #association = new Association();
  #tracks: Track[] = [];
  #nextNumber = 1;
  /** The latest time of any call. */
  #nowMs = Number.NEGATIVE_INFINITY;
  /** The time of the filters' state: that of the last frame. */
  #frameMs = Number.NEGATIVE_INFINITY;

  /**
   * @param options the options that differ from `defaultTrackerOptions`
   * @param state a `snapshot()` to continue from; it is checked, because it comes from storage
   * @throws {TrackerOptionsError} an option is out of range
   * @throws {TrackerStateError} the state is malformed or of another version
   */
  constructor(options: Partial<TrackerOptions> = {}, state?: TrackerState) {
    this.#options = completeTrackerOptions(options);
    if (state === undefined) return;
    const restored = restoreTracker(state, this.#options.nominalIntervalMs);
    this.#tracks = restored.tracks;
    this.#nextNumber = restored.nextNumber;
    this.#nowMs = restored.nowMs;
    this.#frameMs = restored.frameMs;
  }

  /**
   * One frame.
   * @param timeMs when it was captured, in milliseconds. A time that is not later than an earlier one counts as that one: no time has passed.
   * @param observations everything that was detected, boxes in pixels. A box that is not finite or has no area belongs to no track.
   * @throws {TrackerTimeError} timeMs is not finite
   */
  update(timeMs: number, observations: readonly Observation[]): TrackUpdate {
    const tracks = new Array<Track | undefined>(observations.length).fill(undefined);
    const step: Step = { observations, tracks, started: [], ended: this.#passTime(timeMs) };
    this.#predict();
    const { high, low } = this.#sortByScore(observations);

    const { matchIou, secondMatchIou, lowScoreFindsLost, tentativeMatchIou, newTrackScore, duplicateIou } =
      this.#options;
    const confirmed = [...this.#with("tracked"), ...this.#with("lost")];
    const tentative = this.#with("tentative");

    const first = this.#association.match(confirmed, observations, high, matchIou, true);
    this.#found(first, step);
    const remaining = lowScoreFindsLost
      ? first.missed
      : first.missed.filter((track) => track.status === "tracked");
    const second = this.#association.match(remaining, observations, low, secondMatchIou, false);
    this.#found(second, step);
    for (const track of second.missed) track.status = "lost";

    const last = this.#association.match(tentative, observations, first.unused, tentativeMatchIou, true);
    this.#found(last, step);
    const dropped = new Set(last.missed);
    this.#tracks = this.#tracks.filter((track) => !dropped.has(track));
    for (const index of last.unused) {
      if (observations[index]!.score >= newTrackScore) this.#start(index, step);
    }

    const { kept, removed } = removeDuplicates(this.#tracks, duplicateIou);
    this.#tracks = kept;
    return {
      trackNumbers: tracks.map((track) => track?.number),
      trackClassIds: tracks.map((track) => track?.classId),
      started: step.started,
      ended: [...step.ended, ...numbersOf(removed)].sort(ascending),
    };
  }

  /**
   * No frame, only time: ends the tracks that have not been seen for longer than `lostMs`.
   * @throws {TrackerTimeError} timeMs is not finite
   */
  advance(timeMs: number): TrackUpdate {
    return { trackNumbers: [], trackClassIds: [], started: [], ended: this.#passTime(timeMs) };
  }

  /** Ends all tracks, for example when the camera went down, and returns their numbers. Numbering continues. */
  clear(): number[] {
    const numbers = numbersOf(this.#tracks);
    this.#tracks = [];
    return numbers.sort(ascending);
  }

  /** Every track, also lost and unconfirmed ones, oldest first. */
  get tracks(): readonly ActiveTrack[] {
    const perSecond = 1000 / this.#options.nominalIntervalMs;
    return this.#tracks.map((track) => ({
      number: track.number,
      classId: track.classId,
      firstSeenMs: track.firstSeenMs,
      lastSeenMs: track.lastSeenMs,
      confirmed: track.status !== "tentative",
      lost: track.status === "lost",
      // + 0 turns -0, which JSON does not know, into 0.
      box: { xMin: track.xMin + 0, yMin: track.yMin + 0, xMax: track.xMax + 0, yMax: track.yMax + 0 },
      velocity: {
        x: track.filter[filterAt.velocityX]! * perSecond + 0,
        y: track.filter[filterAt.velocityY]! * perSecond + 0,
      },
    }));
  }

  /** The tracker's whole state, for JSON. `new Tracker(options, snapshot)` continues exactly as this one would. */
  snapshot(): TrackerState {
    return {
      version: trackerStateVersion,
      nominalIntervalMs: this.#options.nominalIntervalMs,
      nextNumber: this.#nextNumber,
      nowMs: finiteOrNull(this.#nowMs),
      frameMs: finiteOrNull(this.#frameMs),
      tracks: this.#tracks.map((track) => ({
        number: track.number,
        status: track.status,
        hits: track.hits,
        classId: track.classId,
        votes: track.votes.map((vote) => ({ ...vote })),
        firstSeenMs: track.firstSeenMs,
        lastSeenMs: track.lastSeenMs,
        filter: Array.from(track.filter, (entry) => entry + 0),
      })),
    };
  }

  /** Moves the clock and removes tracks that were not seen for too long; returns their numbers, ascending. */
  #passTime(timeMs: number): number[] {
    if (!Number.isFinite(timeMs)) {
      throw new TrackerTimeError(`A frame's time must be a finite number of milliseconds, not ${timeMs}.`);
    }
    this.#nowMs = Math.max(this.#nowMs, timeMs);
    const oldest = this.#nowMs - this.#options.lostMs;
    const ended = this.#tracks.filter((track) => track.lastSeenMs < oldest);
    if (ended.length > 0) this.#tracks = this.#tracks.filter((track) => track.lastSeenMs >= oldest);
    return numbersOf(ended).sort(ascending);
  }

  #predict(): void {
    const steps = (this.#nowMs - this.#frameMs) / this.#options.nominalIntervalMs;
    this.#frameMs = this.#nowMs;
    if (steps > 0) for (const track of this.#tracks) track.move(steps);
  }

  #sortByScore(observations: readonly Observation[]): { high: number[]; low: number[] } {
    const { highScore, lowScore, duplicateIou } = this.#options;
    const proper = this.#mostCertain(observations).filter((index) => {
      const { score, box } = observations[index]!;
      return score >= lowScore && isProperBox(box);
    });
    const high: number[] = [];
    const low: number[] = [];
    for (const index of suppressDoubles(observations, proper, duplicateIou))
      (observations[index]!.score >= highScore ? high : low).push(index);
    return { high, low };
  }

  /** Indices of the observations that are used, in order. */
  #mostCertain(observations: readonly Observation[]): number[] {
    const indices = Array.from(observations.keys());
    const { maxObservations } = this.#options;
    if (indices.length <= maxObservations) return indices;
    const byScore = indices.sort((a, b) => observations[b]!.score - observations[a]!.score || a - b);
    return byScore.slice(0, maxObservations).sort((a, b) => a - b);
  }

  #found({ matches }: Matching, step: Step): void {
    for (const [track, index] of matches) {
      track.see(step.observations[index]!, this.#nowMs);
      if (track.status === "tentative") {
        track.hits++;
        this.#confirmIfDue(track, step);
      } else {
        track.status = "tracked";
      }
      if (track.status === "tracked") step.tracks[index] = track;
    }
  }

  #start(index: number, step: Step): void {
    const track = Track.start(step.observations[index]!, this.#nowMs);
    this.#tracks.push(track);
    this.#confirmIfDue(track, step);
    if (track.status === "tracked") step.tracks[index] = track;
  }

  #confirmIfDue(track: Track, step: Step): void {
    if (track.hits < this.#options.confirmHits) return;
    track.status = "tracked";
    track.number = this.#nextNumber++;
    step.started.push(track.number);
  }

  #with(status: Track["status"]): Track[] {
    return this.#tracks.filter((track) => track.status === status);
  }
}

/** One frame that is being processed. */
interface Step {
  readonly observations: readonly Observation[];
  /** The confirmed track that each observation belongs to. */
  readonly tracks: (Track | undefined)[];
  readonly started: number[];
  readonly ended: readonly number[];
}

/** Those of confirmed tracks. */
function numbersOf(tracks: readonly Track[]): number[] {
  return tracks.map((track) => track.number).filter((number) => number > 0);
}

function ascending(a: number, b: number): number {
  return a - b;
}

function finiteOrNull(timeMs: number): number | null {
  return Number.isFinite(timeMs) ? timeMs : null;
}
