import type { PixelFormatName } from "@sightline/contracts";
import type { CandidateBatch } from "@sightline/yolo-nas";
import type { CurvePoint } from "./batch-curve.ts";
import type { EngineCandidate, EngineRefusal } from "./engine-choice.ts";
import type { ThreadMessage } from "./serve-session.ts";

/** What the session's thread is started with. */
export interface SessionSettings {
  candidates: readonly EngineCandidate[];
  refusals: readonly EngineRefusal[];
  threads: number;
  /** Frames that a slot holds. */
  capacity: number;
  frame: { width: number; height: number };
  /** How frames are to come; auto chooses by the provider. */
  frameFormat: PixelFormatName | "auto";
  /** Whether an engine that was built for the other format runs too; frames must then come in what is told of the session. */
  otherFormat?: boolean;
  classCount: number;
  /** The memory of the slots, by index. */
  slots: readonly SharedArrayBuffer[];
  /** Batch sizes to measure before the first run; a restarted session skips what is known. */
  warmUpSizes: readonly number[];
  /** Whether this processor's 8-bit kernels clip, once it is known: to find out loads much. */
  saturates?: boolean | undefined;
}

/** To the thread: run the first `frames` frames of a slot. */
export interface RunRequest {
  id: number;
  slot: number;
  frames: number;
}

/** `exact`: float, or 8-bit sums that no processor clips, or not this one. `clips`: sums that this processor clips. */
export type Arithmetic = "exact" | "clips";

/** The session as it was opened. */
export interface SessionInfo {
  engine: EngineCandidate;
  refusals: readonly EngineRefusal[];
  /** How its frames are laid out. */
  pixelFormat: PixelFormatName;
  /** How exact the file's arithmetic is on this processor. */
  arithmetic: Arithmetic;
  /** Whether this processor's 8-bit kernels clip; undefined where nobody needed to know. */
  saturates?: boolean | undefined;
  curve: readonly CurvePoint[];
}

/** A batch that ran. Times are monotonic milliseconds. */
export interface BatchRun {
  outputs: CandidateBatch;
  startedAt: number;
  runMs: number;
}

/** From the thread. */
export type SessionMessage = ThreadMessage<SessionInfo, BatchRun>;

/** A batch that ran, and how long it waited before while other models ran. */
export interface TurnRun extends BatchRun {
  waitedMs?: number;
}

/** Runs batches in the order given, two of which may be under way. */
export interface BatchRunner {
  /** Runs the first `frames` frames of a slot. Rejects when the batch cannot be inferred; others are not affected. */
  run(slot: number, frames: number): Promise<TurnRun>;
}
