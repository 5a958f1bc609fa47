import type { Box, Observation } from "./box.ts";
import { correct, type FilterState, filterAt, predict, startFilter } from "./kalman-filter.ts";

/**
 * - `tentative`: seen fewer than `confirmHits` times in a row; the first frame without it removes it
 * - `tracked`: confirmed, and found in the last frame
 * - `lost`: confirmed, not found in the last frame, waiting to be found again
 */
export type TrackStatus = "tentative" | "tracked" | "lost";

/**
 * A confirmed track changes its class only if the other class has a quarter more votes and one certain observation more. So it
 * keeps its class while two are equally likely.
 */
const [classFactor, classLead] = [1.25, 1];

/** The votes for a class: the sum of the scores with which the object was found as this class. */
export interface ClassVote {
  readonly classId: number;
  weight: number;
}

/** One tracked object: its status, its class and its filter. */
export class Track implements Box {
  /** Dense from 1 once confirmed; 0 before. */
  number = 0;
  status: TrackStatus = "tentative";
  /** Observations in a row, counted until confirmed. */
  hits = 1;
  /** The class with the most votes. */
  classId: number;
  /** One entry for every class as which it was found, in the order of first appearance; at least one. */
  readonly votes: ClassVote[];
  readonly firstSeenMs: number;
  lastSeenMs: number;
  readonly filter: FilterState;
  /** The filter's box. */
  xMin = 0;
  yMin = 0;
  xMax = 0;
  yMax = 0;

  constructor(
    classId: number,
    votes: ClassVote[],
    firstSeenMs: number,
    lastSeenMs: number,
    filter: FilterState,
  ) {
    this.classId = classId;
    this.votes = votes;
    this.firstSeenMs = firstSeenMs;
    this.lastSeenMs = lastSeenMs;
    this.filter = filter;
    this.#readBox();
  }

  static start(observation: Observation, timeMs: number): Track {
    const { xMin, yMin, xMax, yMax } = observation.box;
    const height = yMax - yMin;
    const filter = startFilter((xMin + xMax) / 2, (yMin + yMax) / 2, (xMax - xMin) / height, height);
    const { classId, score } = observation;
    return new Track(classId, [{ classId, weight: score }], timeMs, timeMs, filter);
  }

  /** @param steps the time passed, in nominal intervals */
  move(steps: number): void {
    predict(this.filter, steps, this.status === "lost");
    this.#readBox();
  }

  /** The object was found here. */
  see(observation: Observation, timeMs: number): void {
    const { xMin, yMin, xMax, yMax } = observation.box;
    const height = yMax - yMin;
    correct(this.filter, (xMin + xMax) / 2, (yMin + yMax) / 2, (xMax - xMin) / height, height);
    this.lastSeenMs = timeMs;
    this.#readBox();
    this.#vote(observation);
  }

  /** Whether the object was found as one of this class before. */
  wasOf(classId: number): boolean {
    return this.votes.some((vote) => vote.classId === classId);
  }

  #vote({ classId, score }: Observation): void {
    const vote = this.votes.find((each) => each.classId === classId);
    const weight = (vote?.weight ?? 0) + score;
    if (vote) vote.weight = weight;
    else this.votes.push({ classId, weight });
    if (classId === this.classId) return;
    const own = this.votes.find((each) => each.classId === this.classId)?.weight ?? 0;
    // Nobody has seen a tentative track yet, so it may change its class easily.
    const needed = this.status === "tentative" ? own : own * classFactor + classLead;
    if (weight > needed) this.classId = classId;
  }

  #readBox(): void {
    // A shrinking object that is predicted over a long gap must not get a negative size.
    const height = Math.max(this.filter[filterAt.height]!, 1);
    const width = Math.max(this.filter[filterAt.aspect]! * height, 1);
    this.xMin = this.filter[filterAt.x]! - width / 2;
    this.yMin = this.filter[filterAt.y]! - height / 2;
    this.xMax = this.xMin + width;
    this.yMax = this.yMin + height;
  }
}

/** One object as the tracker sees it. */
export interface ActiveTrack {
  /** Dense from 1, unique within this tracker's life and its snapshots'. 0 while the track is not confirmed. */
  readonly number: number;
  /** The class with the most votes, weighted by score. It changes when another class is clearly ahead. */
  readonly classId: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly confirmed: boolean;
  /** Confirmed, but not found in the last frame. */
  readonly lost: boolean;
  /** The filter's box at the last frame, in pixels: smoothed if the object was found, otherwise predicted. */
  readonly box: Box;
  /** Velocity of the box's centre, in pixels per second. */
  readonly velocity: { readonly x: number; readonly y: number };
}

/** The changes of one step. */
export interface TrackUpdate {
  /** The track number of each observation, by its index; undefined: it belongs to no confirmed track (yet). */
  readonly trackNumbers: readonly (number | undefined)[];
  /** The class of each observation's track, by its index; see `ActiveTrack.classId`. */
  readonly trackClassIds: readonly (number | undefined)[];
  /**
   * Numbers of the tracks removed in this step, ascending: not seen for longer than `lostMs`, or the same object as an
   * older track.
   */
  readonly ended: readonly number[];
  /** Numbers of the tracks confirmed in this step, ascending. */
  readonly started: readonly number[];
}
