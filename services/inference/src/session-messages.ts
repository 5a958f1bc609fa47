import type { PixelFormatName } from "@sightline/contracts";
import type { CandidateBatch } from "@sightline/yolo-nas";
import type { CurvePoint } from "./batch-curve.ts";
import type { EngineCandidate, EngineRefusal } from "./engine-choice.ts";
import type { ThreadMessage } from "./serve-session.ts";

/** The start settings of the session's thread. */
export interface SessionSettings {
  candidates: readonly EngineCandidate[];
  refusals: readonly EngineRefusal[];
  threads: number;
  /** Number of frames that fit into a slot. */
  capacity: number;
  frame: { width: number; height: number };
  /** The wanted layout of frames; auto chooses by the provider. */
  frameFormat: PixelFormatName | "auto";
  /** Whether an engine built for the other format may run too; frames must then have the format that SessionInfo names. */
  otherFormat?: boolean;
  classCount: number;
  /** The memory of the slots, by index. */
  slots: readonly SharedArrayBuffer[];
  /** Batch sizes to measure before the first run; a restarted session skips known ones. */
  warmUpSizes: readonly number[];
  /** Whether this processor's 8-bit kernels clip, once known: finding out is expensive. */
  saturates?: boolean | undefined;
}

/** To the thread: run the first `frames` frames of a slot. */
export interface RunRequest {
  id: number;
  slot: number;
  frames: number;
}

/**
 * `exact`: float, or 8-bit sums that are not clipped on any processor or not on this one. `clips`: sums that this processor
 * clips.
 */
export type Arithmetic = "exact" | "clips";

/** The session as it was opened. */
export interface SessionInfo {
  engine: EngineCandidate;
  refusals: readonly EngineRefusal[];
  /** The layout of its frames. */
  pixelFormat: PixelFormatName;
  /** How exact the file's arithmetic is on this processor. */
  arithmetic: Arithmetic;
  /** Whether this processor's 8-bit kernels clip; undefined where it was not needed. */
  saturates?: boolean | undefined;
  curve: readonly CurvePoint[];
}

/** A batch that has run. Times are monotonic milliseconds. */
export interface BatchRun {
  outputs: CandidateBatch;
  startedAt: number;
  runMs: number;
}

/** Messages from the thread. */
export type SessionMessage = ThreadMessage<SessionInfo, BatchRun>;

/** A batch that has run, and how long it first waited while other models ran. */
export interface TurnRun extends BatchRun {
  waitedMs?: number;
}

/** Runs batches in the given order; two of them may be in progress. */
export interface BatchRunner {
  /**
   * Runs the first `frames` frames of a slot. Rejects when the batch cannot be inferred; other batches are not affected.
   */
  run(slot: number, frames: number): Promise<TurnRun>;
}
