/** From a prepared model's candidates to detections in the source picture. */
import type { Letterbox } from "./letterbox.ts";

/** What a prepared model returns for a batch, row-major. */
export interface CandidateBatch {
  /** Number of frames. */
  readonly batch: number;
  /** Candidates per frame, K, best first by their highest class score. */
  readonly candidates: number;
  readonly classCount: number;
  /** [batch, K, 4]: x1, y1, x2, y2 in input pixels, not clipped. */
  readonly boxes: Float32Array;
  /** [batch, K, classCount]: probabilities. */
  readonly scores: Float32Array;
}

export interface Thresholds {
  /** A class of a candidate counts when its score is above this. */
  readonly score: number;
  /** If two boxes of one class overlap more than this, the lower-scored one is dropped. */
  readonly iou: number;
  /** How many of the best (candidate, class) pairs enter NMS. */
  readonly preNmsTopK: number;
  /** Detections kept per frame. */
  readonly maxDetections: number;
}

/** super-gradients' prediction defaults for YOLO-NAS. */
export const DEFAULT_THRESHOLDS: Thresholds = { score: 0.25, iou: 0.7, preNmsTopK: 1024, maxDetections: 300 };

export interface Detection {
  readonly classId: number;
  readonly score: number;
  /** x1, y1, x2, y2 in pixels of the source picture, clipped to it. */
  readonly box: readonly [number, number, number, number];
}

// Scores are positive floats, whose bits order as integers: score bits and pair number in one exact double sort
// natively, without a comparison function.
const PAIR_LIMIT = 2 ** 22;
const scoreValue = new Float32Array(1);
const scoreBits = new Uint32Array(scoreValue.buffer);

/**
 * Detections of one frame of a batch, best first: every class above the score threshold counts (several per box), then
 * NMS per class, then boxes are mapped back by undoing the letterbox. Equal to super-gradients'
 * PPYoloEPostPredictionCallback with `multi_label_per_box` and without `class_agnostic_nms`.
 *
 * @example
 * ```ts
 * const outputs = {
 *   ...{ batch: 1, candidates: 2, classCount: 1 },
 *   boxes: Float32Array.of(10, 10, 30, 50, 11, 10, 31, 50), // Two boxes of one object.
 *   scores: Float32Array.of(0.9, 0.8),
 * };
 * const size = { width: 64, height: 64 };
 * const found = decodeCandidates(outputs, 0, DEFAULT_THRESHOLDS, computeLetterbox(size, size, size));
 * assert.deepEqual(found.map(({ box }) => box), [[10, 10, 30, 50]]);
 * ```
 */
export function decodeCandidates(
  outputs: CandidateBatch,
  frame: number,
  thresholds: Thresholds,
  letterbox: Letterbox,
): Detection[] {
  const { candidates, classCount } = outputs;
  const scores = outputs.scores.subarray(
    frame * candidates * classCount,
    (frame + 1) * candidates * classCount,
  );
  const boxes = outputs.boxes.subarray(frame * candidates * 4, (frame + 1) * candidates * 4);
  const order = bestPairs(scores, classCount, thresholds);
  const kept = suppress(order, boxes, classCount, thresholds);
  return kept.map((pair) => ({
    classId: pair % classCount,
    score: scores[pair]!,
    box: toSource(boxes, 4 * Math.floor(pair / classCount), letterbox),
  }));
}

/** Indices into `scores` of the pairs above the threshold, best first, at most `preNmsTopK`. */
function bestPairs(scores: Float32Array, classCount: number, thresholds: Thresholds): number[] {
  const keys: number[] = [];
  for (let row = 0; row < scores.length; row += classCount) {
    let found = false;
    for (let pair = row; pair < row + classCount; pair++) {
      const score = scores[pair]!;
      if (!(score > thresholds.score)) continue;
      found = true;
      scoreValue[0] = score;
      keys.push(scoreBits[0]! * PAIR_LIMIT + (PAIR_LIMIT - 1 - pair));
    }
    // Candidates come best first: after one without any class above the threshold none can follow.
    if (!found) break;
  }
  const sorted = Float64Array.from(keys).sort();
  const count = Math.min(sorted.length, thresholds.preNmsTopK);
  return Array.from(
    { length: count },
    (_, i) => PAIR_LIMIT - 1 - (sorted[sorted.length - 1 - i]! % PAIR_LIMIT),
  );
}

/** Greedy NMS per class over pairs in order of score; the survivors, in that order. */
function suppress(
  order: readonly number[],
  boxes: Float32Array,
  classCount: number,
  thresholds: Thresholds,
): number[] {
  const kept: number[] = [];
  // Survivors of each class as linked lists through `kept`, so that a box meets only its own class.
  const latest = new Int32Array(classCount).fill(-1);
  const previous: number[] = [];
  for (const pair of order) {
    if (kept.length === thresholds.maxDetections) break;
    const classId = pair % classCount;
    const box = 4 * Math.floor(pair / classCount);
    let other = latest[classId]!;
    while (other >= 0 && iou(boxes, box, 4 * Math.floor(kept[other]! / classCount)) <= thresholds.iou) {
      other = previous[other]!;
    }
    if (other >= 0) continue;
    previous.push(latest[classId]!);
    latest[classId] = kept.length;
    kept.push(pair);
  }
  return kept;
}

/** Intersection over union of two boxes at offsets `a` and `b`; 0 when both are empty. */
function iou(boxes: Float32Array, a: number, b: number): number {
  const width = Math.min(boxes[a + 2]!, boxes[b + 2]!) - Math.max(boxes[a]!, boxes[b]!);
  const height = Math.min(boxes[a + 3]!, boxes[b + 3]!) - Math.max(boxes[a + 1]!, boxes[b + 1]!);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (area(boxes, a) + area(boxes, b) - shared);
}

function area(boxes: Float32Array, at: number): number {
  return (boxes[at + 2]! - boxes[at]!) * (boxes[at + 3]! - boxes[at + 1]!);
}

function toSource(boxes: Float32Array, at: number, letterbox: Letterbox): [number, number, number, number] {
  const { source, scale, verticalScale = scale, left, top } = letterbox;
  const x = (value: number) => Math.min(Math.max((value - left) / scale, 0), source.width);
  const y = (value: number) => Math.min(Math.max((value - top) / verticalScale, 0), source.height);
  return [x(boxes[at]!), y(boxes[at + 1]!), x(boxes[at + 2]!), y(boxes[at + 3]!)];
}
