/** What the modules of this folder say about a family of detectors. */
import type { Placement, Size } from "../detection/letterbox.ts";
import type { OnnxGraph } from "../onnx/index.ts";

/** What a family does to a picture before its network reads it. */
export interface Preprocessing {
  readonly placement: Placement;
  readonly channelOrder: "rgb" | "bgr";
  /** What the network reads: bytes 0…255 as they are, or parts 0…1. */
  readonly range: "bytes" | "unit";
  /** Subtracted from, and divided through, after scaling to `range`, in the order R, G, B. */
  readonly mean?: readonly [number, number, number] | undefined;
  readonly std?: readonly [number, number, number] | undefined;
}

/** One output of a trial run. */
export interface TrialOutput {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: ArrayLike<number>;
}

/** An export with what it gave for one picture of noise: shapes are known from it even where the file records none. */
export interface Trial {
  readonly graph: OnnxGraph;
  readonly image: string;
  readonly size: Size;
  /** An input for the picture's size [B, 2] (width, height), where the export has one. */
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

/** A family's own reading of an export. */
export interface Recognised {
  /** In words, after "This is …, ". */
  readonly layout: string;
  /** Columns of class scores; undefined where candidates carry a class's number, so that the tensors do not say how many there are. */
  readonly classCount: number | undefined;
  readonly candidateCount: number;
  /** "corners": x1, y1, x2, y2; "centre": centre and size. */
  readonly boxFormat: "corners" | "centre";
  /** Pixels of the input, or parts of its sides. */
  readonly boxUnit: "pixels" | "parts";
  /** A box counts for its best class only, as in the family's own code. */
  readonly bestClassOnly: boolean;
  /** Overlap from which NMS drops a box; 1 where none is done or it is in the graph. */
  readonly iou: number;
  /** Adds the nodes, behind the outputs, that give every candidate. `classCount` is what is above, or what the user's classes say. */
  readonly append: (graph: OnnxGraph, classCount: number) => Candidates;
}

export interface Family {
  /** As `--family` and model.json name it. */
  readonly name: string;
  readonly title: string;
  /** The tensors by which it is known, for the error that lists them. */
  readonly expects: string;
  readonly preprocessing: Preprocessing;
  /** Score from which the family's own code reports a box. */
  readonly score: number;
  readonly recognise: (trial: Trial) => Recognised | undefined;
}
