import { Assignment } from "../assignment.ts";
import {
  epsilon,
  prepareSequence,
  type SequenceOverlaps,
  type TrackedFrame,
  total,
} from "./tracked-frame.ts";

/** HOTA (Luiten et al. 2021), each the mean over the IoU thresholds 0.05, 0.10 … 0.95. */
export interface Hota {
  readonly hota: number;
  /** How well boxes are found. */
  readonly detA: number;
  /** How well tracks keep to one object. */
  readonly assA: number;
  /** Mean IoU of the matches. */
  readonly locA: number;
}

const thresholds = Array.from({ length: 19 }, (_, i) => 0.05 + i * 0.05);

/**
 * Equal to TrackEval's HOTA.
 *
 * @example
 * ```ts
 * const box = { xMin: 0, yMin: 0, xMax: 10, yMax: 20 };
 * const seen = { truth: [{ id: 7, box }], tracked: [{ id: 1, box }] };
 * const missed = { truth: [{ id: 7, box }], tracked: [] };
 * assert.equal(evaluateHota([seen, missed]).detA.toFixed(2), "0.50");
 * ```
 */
export function evaluateHota(frames: readonly TrackedFrame[]): Hota {
  return hota(prepareSequence(frames));
}

export function hota(sequence: SequenceOverlaps): Hota {
  const { truthCounts, trackedCounts } = sequence;
  const tracks = trackedCounts.length;
  const alignment = globalAlignment(sequence);
  const truePositives = new Float64Array(thresholds.length);
  const overlapSums = new Float64Array(thresholds.length);
  const matches = thresholds.map(() => new Float64Array(truthCounts.length * tracks));
  const assignment = new Assignment();

  for (const { truthIds, trackedIds, overlaps } of sequence.frames) {
    const pairOf = (row: number, column: number) => truthIds[row]! * tracks + trackedIds[column]!;
    const weights = overlaps.map((overlap, at) => {
      const row = Math.floor(at / trackedIds.length);
      return alignment[pairOf(row, at % trackedIds.length)]! * overlap;
    });
    assignment.solve(weights, truthIds.length, trackedIds.length);
    for (let row = 0; row < truthIds.length; row++) {
      const column = assignment.columnOfRow[row]!;
      if (column === -1) continue;
      const overlap = overlaps[row * trackedIds.length + column]!;
      for (const [a, threshold] of thresholds.entries()) {
        if (overlap < threshold - epsilon) break;
        truePositives[a]!++;
        overlapSums[a]! += overlap;
        matches[a]![pairOf(row, column)]!++;
      }
    }
  }

  const boxes = total(truthCounts) + total(trackedCounts);
  const perThreshold = thresholds.map((_, a) => {
    const found = truePositives[a]!;
    const detA = found / Math.max(1, boxes - found);
    const assA = association(matches[a]!, truthCounts, trackedCounts) / Math.max(1, found);
    // TrackEval counts the localisation of nothing as perfect.
    const locA = found === 0 ? 1 : overlapSums[a]! / found;
    return { hota: Math.sqrt(detA * assA), detA, assA, locA };
  });
  const mean = (key: keyof Hota) => perThreshold.reduce((sum, at) => sum + at[key], 0) / thresholds.length;
  return { hota: mean("hota"), detA: mean("detA"), assA: mean("assA"), locA: mean("locA") };
}

/** For each object and track, the Jaccard index of their boxes over the sequence, by which matches are chosen. */
function globalAlignment({ frames, truthCounts, trackedCounts }: SequenceOverlaps): Float64Array {
  const tracks = trackedCounts.length;
  const common = new Float64Array(truthCounts.length * tracks);
  for (const { truthIds, trackedIds, overlaps } of frames) {
    const columns = trackedIds.length;
    const rowSums = new Float64Array(truthIds.length);
    const columnSums = new Float64Array(columns);
    for (const [at, overlap] of overlaps.entries()) {
      rowSums[Math.floor(at / columns)]! += overlap;
      columnSums[at % columns]! += overlap;
    }
    for (const [at, overlap] of overlaps.entries()) {
      const row = Math.floor(at / columns);
      const union = rowSums[row]! + columnSums[at % columns]! - overlap;
      if (union > epsilon) common[truthIds[row]! * tracks + trackedIds[at % columns]!]! += overlap / union;
    }
  }
  return common.map((count, at) => {
    const union = truthCounts[Math.floor(at / tracks)]! + trackedCounts[at % tracks]! - count;
    return count / union;
  });
}

/** Sum over the matches of how well the matched track and object agree over the sequence. */
function association(matches: Float64Array, truthCounts: Int32Array, trackedCounts: Int32Array): number {
  const tracks = trackedCounts.length;
  return matches.reduce((sum, count, at) => {
    const union = truthCounts[Math.floor(at / tracks)]! + trackedCounts[at % tracks]! - count;
    return count === 0 ? sum : sum + (count * count) / Math.max(1, union);
  }, 0);
}
