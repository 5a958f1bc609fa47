import type { Box } from "./box.ts";

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
