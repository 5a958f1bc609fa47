import { Assignment } from "../assignment.ts";
import {
  epsilon,
  prepareSequence,
  type SequenceOverlaps,
  type TrackedFrame,
  total,
} from "./tracked-frame.ts";

/** CLEAR-MOT (Bernardin & Stiefelhagen 2008), as MOTChallenge counts it. */
export interface ClearMot {
  /** 1 − (FN + FP + identity switches) / true boxes; may be negative. 0 without true boxes. */
  readonly mota: number;
  /** Mean IoU of the matches. */
  readonly motp: number;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  /** Times an object was matched by another track than the one that matched it last. */
  readonly identitySwitches: number;
  /** Times an object was matched again after frames without a match, hidden or not. */
  readonly fragmentations: number;
  /** Objects matched in more than 80%, and in fewer than 20%, of their frames. */
  readonly mostlyTracked: number;
  readonly mostlyLost: number;
}

/** Outweighs any sum of overlaps: a match of the frame before is kept while it overlaps enough. */
const continuityBonus = 1000;

/**
 * Equal to TrackEval's CLEAR: per frame the matching that keeps the most matches of the frame before, then has the largest
 * sum of IoU, pairs below the threshold excluded.
 *
 * @example
 * ```ts
 * const at = (x: number) => ({ xMin: x, yMin: 0, xMax: x + 10, yMax: 20 });
 * // Object 7 is track 1 in one frame, and track 2 in the next.
 * const frames = [1, 2].map((id) => ({ truth: [{ id: 7, box: at(id) }], tracked: [{ id, box: at(id) }] }));
 * const { identitySwitches, mota } = evaluateClearMot(frames);
 * assert.deepEqual({ identitySwitches, mota }, { identitySwitches: 1, mota: 0.5 });
 * ```
 */
export function evaluateClearMot(frames: readonly TrackedFrame[], threshold = 0.5): ClearMot {
  return clearMot(prepareSequence(frames), threshold);
}

export function clearMot(sequence: SequenceOverlaps, threshold: number): ClearMot {
  const objects = sequence.truthCounts.length;
  const lastMatch = new Int32Array(objects).fill(-1);
  const matchBefore = new Int32Array(objects).fill(-1);
  const matched = new Int32Array(objects);
  const stretches = new Int32Array(objects);
  const assignment = new Assignment();
  let truePositives = 0;
  let identitySwitches = 0;
  let overlapSum = 0;

  for (const { truthIds, trackedIds, overlaps } of sequence.frames) {
    const weights = overlaps.map((overlap, at) => {
      if (overlap < threshold - epsilon) return 0;
      const object = truthIds[Math.floor(at / trackedIds.length)]!;
      const continues = matchBefore[object] === trackedIds[at % trackedIds.length];
      return (continues ? continuityBonus : 0) + overlap;
    });
    assignment.solve(weights, truthIds.length, trackedIds.length);
    const before = matchBefore.slice();
    // The reference looks at the last frame that had boxes of both kinds.
    if (truthIds.length > 0 && trackedIds.length > 0) matchBefore.fill(-1);
    for (const [row, object] of truthIds.entries()) {
      const column = assignment.columnOfRow[row]!;
      if (column === -1) continue;
      const track = trackedIds[column]!;
      truePositives++;
      overlapSum += overlaps[row * trackedIds.length + column]!;
      if (lastMatch[object] !== -1 && lastMatch[object] !== track) identitySwitches++;
      if (before[object] === -1) stretches[object]!++;
      lastMatch[object] = track;
      matchBefore[object] = track;
      matched[object]!++;
    }
  }

  const truthTotal = total(sequence.truthCounts);
  const falsePositives = total(sequence.trackedCounts) - truePositives;
  const shares = Array.from(matched, (count, object) => count / sequence.truthCounts[object]!);
  return {
    mota: truthTotal === 0 ? 0 : (truePositives - falsePositives - identitySwitches) / truthTotal,
    motp: truePositives === 0 ? 0 : overlapSum / truePositives,
    truePositives,
    falsePositives,
    falseNegatives: truthTotal - truePositives,
    identitySwitches,
    fragmentations: stretches.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
    mostlyTracked: shares.filter((share) => share > 0.8).length,
    mostlyLost: shares.filter((share) => share < 0.2).length,
  };
}
