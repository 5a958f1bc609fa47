import type { Box, Observation } from "./box.ts";
import { correct, type FilterState, filterAt, predict, startFilter } from "./kalman-filter.ts";

/**
 * - `tentative`: seen fewer than `confirmHits` times in a row; the first frame without it removes it
 * - `tracked`: confirmed, and found in the last frame
 * - `lost`: confirmed, not found in the last frame, waiting to be found again
 */
export type TrackStatus = "tentative" | "tracked" | "lost";

/**
 * A confirmed track takes another class only when a quarter more and one sure observation more speaks for that, so that it
 * keeps to one where two are as likely.
 */
const [classFactor, classLead] = [1.25, 1];

/** What speaks for a class: the sum of the scores with which the object was found as one of it. */
export interface ClassVote {
  readonly classId: number;
  weight: number;
}

/** One object being followed: its life, its class and its filter. */
export class Track implements Box {
  /** Dense from 1 once confirmed; 0 before. */
  number = 0;
  status: TrackStatus = "tentative";
  /** Observations in a row, counted until confirmed. */
  hits = 1;
  /** The class that its observations speak for. */
  classId: number;
  /** Of every class that it was found as, in the order of first appearance; at least one. */
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
    // Nobody knows of a tentative track, so it may change its mind for little.
    const needed = this.status === "tentative" ? own : own * classFactor + classLead;
    if (weight > needed) this.classId = classId;
  }

  #readBox(): void {
    // A shrinking object carried over a long gap must not turn inside out.
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
  /** The class that its observations speak for, by the scores with which the object was found; it changes when another is well ahead. */
  readonly classId: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly confirmed: boolean;
  /** Confirmed, but not found in the last frame. */
  readonly lost: boolean;
  /** The filter's box as of the last frame, in pixels: smoothed where the object was found, predicted where not. */
  readonly box: Box;
  /** Of the box's centre, in pixels per second. */
  readonly velocity: { readonly x: number; readonly y: number };
}

/** What one step changed. */
export interface TrackUpdate {
  /** Index-aligned with the observations; undefined: belongs to no confirmed track (yet). */
  readonly trackNumbers: readonly (number | undefined)[];
  /** The class of each observation's track, aligned likewise; see `ActiveTrack.classId`. */
  readonly trackClassIds: readonly (number | undefined)[];
  /**
   * Tracks removed in this step, ascending: unseen for longer than `lostMs`, or found to be the same object as an
   * older track.
   */
  readonly ended: readonly number[];
  /** Tracks confirmed in this step, ascending. */
  readonly started: readonly number[];
}
