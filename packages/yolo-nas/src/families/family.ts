/** What each module of this folder provides for its family of detectors. */
import type { Placement, Size } from "../detection/letterbox.ts";
import type { OnnxGraph } from "../onnx/index.ts";

/** How a family prepares a picture for its network. */
export interface Preprocessing {
  readonly placement: Placement;
  readonly channelOrder: "rgb" | "bgr";
  /** What the network reads: bytes 0…255, or values 0…1. */
  readonly range: "bytes" | "unit";
  /** Mean that is subtracted and deviation that is divided by, after scaling to `range`, in the order R, G, B. */
  readonly mean?: readonly [number, number, number] | undefined;
  readonly std?: readonly [number, number, number] | undefined;
}

/** One output of a trial run. */
export interface TrialOutput {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: ArrayLike<number>;
}

/** An export with its outputs for one picture of noise: this gives shapes even if the file does not record them. */
export interface Trial {
  readonly graph: OnnxGraph;
  readonly image: string;
  readonly size: Size;
  /** An input for the picture's size [B, 2] (width, height), if the export has one. */
  readonly sizeInput: string | undefined;
  readonly outputs: readonly TrialOutput[];
}

/** Names of values in a graph: every candidate's box and class scores. */
export interface Candidates {
  /** float32 [N, A, 4] */
  readonly boxes: string;
  /** float32 [N, A, C], probabilities */
  readonly scores: string;
}

/** How a family interprets an export. */
export interface Recognised {
  /** Description, to follow "This is …, ". */
  readonly layout: string;
  /**
   * Number of class score columns; undefined if candidates carry a class number, since the tensors then do not show how many classes
   * exist.
   */
  readonly classCount: number | undefined;
  readonly candidateCount: number;
  /** "corners": x1, y1, x2, y2; "centre": centre and size. */
  readonly boxFormat: "corners" | "centre";
  /** Pixels of the input, or parts of its sides. */
  readonly boxUnit: "pixels" | "parts";
  /** A box counts only for its best class, as in the family's own code. */
  readonly bestClassOnly: boolean;
  /** Overlap above which NMS drops a box; 1 if there is no NMS or the graph contains it. */
  readonly iou: number;
  /** Adds nodes after the outputs that compute every candidate. `classCount` is the value above, or the number of the user's classes. */
  readonly append: (graph: OnnxGraph, classCount: number) => Candidates;
}

export interface Family {
  /** Name for `--family` and in model.json. */
  readonly name: string;
  readonly title: string;
  /** The tensors that identify it, for the error that lists them. */
  readonly expects: string;
  readonly preprocessing: Preprocessing;
  /** Score above which the family's own code reports a box. */
  readonly score: number;
  readonly recognise: (trial: Trial) => Recognised | undefined;
}
