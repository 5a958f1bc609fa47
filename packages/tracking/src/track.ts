import type { Box } from "./box.ts";
import { correct, type FilterState, filterAt, predict, startFilter } from "./kalman-filter.ts";
import type { Observation } from "./observation.ts";

/**
 * - `tentative`: seen fewer than `confirmHits` times in a row; the first frame without it removes it
 * - `tracked`: confirmed, and found in the last frame
 * - `lost`: confirmed, not found in the last frame, waiting to be found again
 */
export type TrackStatus = "tentative" | "tracked" | "lost";

/** One object being followed: its life and its filter. */
export class Track implements Box {
  /** Dense from 1 once confirmed; 0 before. */
  number = 0;
  status: TrackStatus = "tentative";
  /** Observations in a row, counted until confirmed. */
  hits = 1;
  readonly classId: number;
  readonly firstSeenMs: number;
  lastSeenMs: number;
  readonly filter: FilterState;
  /** The filter's box. */
  xMin = 0;
  yMin = 0;
  xMax = 0;
  yMax = 0;

  constructor(classId: number, firstSeenMs: number, lastSeenMs: number, filter: FilterState) {
    this.classId = classId;
    this.firstSeenMs = firstSeenMs;
    this.lastSeenMs = lastSeenMs;
    this.filter = filter;
    this.#readBox();
  }

  static start(observation: Observation, timeMs: number): Track {
    const { xMin, yMin, xMax, yMax } = observation.box;
    const height = yMax - yMin;
    const filter = startFilter((xMin + xMax) / 2, (yMin + yMax) / 2, (xMax - xMin) / height, height);
    return new Track(observation.classId, timeMs, timeMs, filter);
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
