import type { Box } from "./box.ts";

/** One detection to be tracked; box in pixels of the camera's picture. */
export interface Observation {
  readonly classId: number;
  /** The detector's confidence, 0…1. */
  readonly score: number;
  readonly box: Box;
}
