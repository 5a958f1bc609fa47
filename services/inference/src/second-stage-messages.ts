import type { ClassifierAttribute } from "@sightline/yolo-nas";

/** What a second stage's thread is started with. */
export interface SecondStageSettings {
  path: string;
  attributes: readonly ClassifierAttribute[];
  threads: number;
}

/** To the thread: look at these objects of a frame. */
export interface SecondStageRequest {
  /** The frame's planes. */
  pixels: SharedArrayBuffer;
  frame: { width: number; height: number };
  /** x1, y1, x2, y2 of each object, in pixels of the frame. */
  boxes: Float32Array;
}

/** What it saw. */
export interface SecondStageAnswer {
  /** For each attribute the probabilities of its values, object after object. */
  probabilities: Float32Array[];
  runMs: number;
}
