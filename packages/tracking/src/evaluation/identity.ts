import { Assignment } from "../assignment.ts";
import {
  epsilon,
  prepareSequence,
  type SequenceOverlaps,
  type TrackedFrame,
  total,
} from "./tracked-frame.ts";

/** Identity metrics (Ristani et al. 2016). */
export interface IdentityMetrics {
  /** 2·IDTP / (true boxes + tracked boxes); 0 without any. */
  readonly idf1: number;
  readonly idPrecision: number;
  readonly idRecall: number;
}

/**
 * Equal to TrackEval's Identity: one track per object over the whole sequence, chosen for the most boxes in common.
 *
 * @example
 * ```ts
 * const box = { xMin: 0, yMin: 0, xMax: 10, yMax: 20 };
 * const frames = [1, 1, 2].map((id) => ({ truth: [{ id: 7, box }], tracked: [{ id, box }] }));
 * assert.equal(evaluateIdentity(frames).idf1.toFixed(2), "0.67"); // Track 1 has two of three boxes.
 * ```
 */
export function evaluateIdentity(frames: readonly TrackedFrame[], threshold = 0.5): IdentityMetrics {
  return identityMetrics(prepareSequence(frames), threshold);
}

export function identityMetrics(sequence: SequenceOverlaps, threshold: number): IdentityMetrics {
  const objects = sequence.truthCounts.length;
  const tracks = sequence.trackedCounts.length;
  const common = new Float64Array(objects * tracks);
  for (const { truthIds, trackedIds, overlaps } of sequence.frames) {
    for (const [at, overlap] of overlaps.entries()) {
      if (overlap < threshold - epsilon) continue;
      const object = truthIds[Math.floor(at / trackedIds.length)]!;
      common[object * tracks + trackedIds[at % trackedIds.length]!]!++;
    }
  }
  const assignment = new Assignment();
  assignment.solve(common, objects, tracks);
  let truePositives = 0;
  for (let object = 0; object < objects; object++) {
    const track = assignment.columnOfRow[object]!;
    if (track !== -1) truePositives += common[object * tracks + track]!;
  }
  const truth = total(sequence.truthCounts);
  const tracked = total(sequence.trackedCounts);
  return {
    idf1: truth + tracked === 0 ? 0 : (2 * truePositives) / (truth + tracked),
    idPrecision: tracked === 0 ? 0 : truePositives / tracked,
    idRecall: truth === 0 ? 0 : truePositives / truth,
  };
}
