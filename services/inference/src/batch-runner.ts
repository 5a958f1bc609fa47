import type { BatchRun } from "./session-messages.ts";

/** A batch that ran, and how long it waited before while other models ran. */
export interface TurnRun extends BatchRun {
  waitedMs?: number;
}

/** Runs batches in the order given, two of which may be under way. */
export interface BatchRunner {
  /** Runs the first `frames` frames of a slot. Rejects when the batch cannot be inferred; others are not affected. */
  run(slot: number, frames: number): Promise<TurnRun>;
}
