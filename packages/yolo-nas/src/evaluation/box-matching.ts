import type { CocoBox, GroundTruth, ScoredBox } from "./coco-annotations.ts";

/** COCO's ten thresholds, computed as numpy.linspace(0.5, 0.95, 10) does, so that ties fall the same way. */
export const iouThresholds: readonly number[] = Array.from({ length: 10 }, (_, i) =>
  i === 9 ? 0.95 : i * ((0.95 - 0.5) / 9) + 0.5,
);

/** Which boxes an evaluation counts; the others are ignored, neither right nor wrong. */
export type CountedBoxes = {
  readonly truth: (truth: GroundTruth) => boolean;
  readonly detection: (detection: ScoredBox) => boolean;
};

/** One picture's and category's outcome; `matched` and `ignored` hold one row of detections per threshold. */
export type ImageOutcome = {
  readonly scores: readonly number[];
  readonly matched: readonly Uint8Array[];
  readonly ignored: readonly Uint8Array[];
  /** How many objects there were to find. */
  readonly counted: number;
};

/** Intersection over union; against a crowd, over the detection's own area (pycocotools' maskApi.c, bbIou). */
function intersectionOverUnion(detection: CocoBox, truth: CocoBox, crowd: boolean): number {
  const width = Math.min(detection[0] + detection[2], truth[0] + truth[2]) - Math.max(detection[0], truth[0]);
  if (width <= 0) return 0;
  const height =
    Math.min(detection[1] + detection[3], truth[1] + truth[3]) - Math.max(detection[1], truth[1]);
  if (height <= 0) return 0;
  const intersection = width * height;
  const own = detection[2] * detection[3];
  return intersection / (crowd ? own : own + truth[2] * truth[3] - intersection);
}

/** Best first; equal scores keep the order they came in, as pycocotools' mergesort does. */
export function bestFirst(detections: readonly ScoredBox[]): readonly ScoredBox[] {
  return detections.toSorted((a, b) => b.score - a.score);
}

/**
 * Greedy COCO matching of one picture and category, following `COCOeval.evaluateImg`: detections best first,
 * each takes the still free object it overlaps most, ignored objects only when no counted one fits.
 * @param detections best first, already cut to the wanted number.
 */
export function matchImage(
  truths: readonly GroundTruth[],
  detections: readonly ScoredBox[],
  counted: CountedBoxes,
  thresholds: readonly number[] = iouThresholds,
): ImageOutcome {
  const ignoring = truths.map((truth) => ({ truth, ignore: truth.crowd || !counted.truth(truth) }));
  const ordered = [...ignoring.filter((t) => !t.ignore), ...ignoring.filter((t) => t.ignore)];
  const overlaps = detections.map((d) =>
    ordered.map(({ truth }) => intersectionOverUnion(d.box, truth.box, truth.crowd)),
  );
  const outside = detections.map((d) => !counted.detection(d));
  const matched: Uint8Array[] = [];
  const ignored: Uint8Array[] = [];
  for (const threshold of thresholds) {
    const taken = new Uint8Array(ordered.length);
    const hit = new Uint8Array(detections.length);
    const skip = new Uint8Array(detections.length);
    for (const [d, row] of overlaps.entries()) {
      const best = bestObject(row, ordered, taken, threshold);
      if (best < 0) {
        skip[d] = outside[d] ? 1 : 0;
        continue;
      }
      taken[best] = 1;
      hit[d] = 1;
      skip[d] = ordered[best]!.ignore ? 1 : 0;
    }
    matched.push(hit);
    ignored.push(skip);
  }
  return {
    scores: detections.map((d) => d.score),
    matched,
    ignored,
    counted: ignoring.filter((t) => !t.ignore).length,
  };
}

type Candidate = { readonly truth: GroundTruth; readonly ignore: boolean };

/** Index of the object a detection takes, or -1. `>=` below gives a tie to the later object, as COCO does. */
function bestObject(
  overlaps: readonly number[],
  objects: readonly Candidate[],
  taken: Uint8Array,
  threshold: number,
): number {
  let best = -1;
  let overlap = Math.min(threshold, 1 - 1e-10);
  for (const [index, object] of objects.entries()) {
    if (taken[index] && !object.truth.crowd) continue;
    if (best >= 0 && !objects[best]!.ignore && object.ignore) break;
    if (overlaps[index]! >= overlap) {
      overlap = overlaps[index]!;
      best = index;
    }
  }
  return best;
}
