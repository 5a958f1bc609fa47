import { type Box, intersectionOverUnion } from "../box.ts";

/** A box with the identity of its object or track; ids are unique among the boxes of a frame's side. */
export interface IdentifiedBox {
  readonly id: number;
  readonly box: Box;
}

/** What was there and what the tracker said, in one frame. One class: evaluate several one by one. */
export interface TrackedFrame {
  readonly truth: readonly IdentifiedBox[];
  readonly tracked: readonly IdentifiedBox[];
}

/** A frame prepared for the metrics: dense ids and the IoU of every pair. */
export interface FrameOverlaps {
  readonly truthIds: Int32Array;
  readonly trackedIds: Int32Array;
  /** truth × tracked, row by row. */
  readonly overlaps: Float64Array;
}

/** Frames prepared once for all metrics. */
export interface SequenceOverlaps {
  readonly frames: readonly FrameOverlaps[];
  /** Boxes of each object, by dense id. */
  readonly truthCounts: Int32Array;
  /** Boxes of each track, by dense id. */
  readonly trackedCounts: Int32Array;
}

/** Room for floating-point error in comparisons with a threshold, as in TrackEval. */
export const epsilon = Number.EPSILON;

export function prepareSequence(frames: readonly TrackedFrame[]): SequenceOverlaps {
  const truth = new DenseIds();
  const tracked = new DenseIds();
  const prepared = frames.map((frame) => {
    const overlaps = new Float64Array(frame.truth.length * frame.tracked.length);
    let at = 0;
    for (const t of frame.truth)
      for (const h of frame.tracked) overlaps[at++] = intersectionOverUnion(t.box, h.box);
    return { truthIds: truth.count(frame.truth), trackedIds: tracked.count(frame.tracked), overlaps };
  });
  return {
    frames: prepared,
    truthCounts: Int32Array.from(truth.counts),
    trackedCounts: Int32Array.from(tracked.counts),
  };
}

class DenseIds {
  readonly counts: number[] = [];
  readonly #dense = new Map<number, number>();

  count(boxes: readonly IdentifiedBox[]): Int32Array {
    return Int32Array.from(boxes, ({ id }) => {
      let dense = this.#dense.get(id);
      if (dense === undefined) {
        dense = this.counts.length;
        this.#dense.set(id, dense);
        this.counts.push(0);
      }
      this.counts[dense]!++;
      return dense;
    });
  }
}

/** Sum of counts. */
export function total(counts: Int32Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
