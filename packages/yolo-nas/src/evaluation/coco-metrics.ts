import { bestFirst, type CountedBoxes, iouThresholds, matchImage } from "./box-matching.ts";
import type { CocoAnnotations, GroundTruth, ScoredBox } from "./coco-annotations.ts";
import { accumulate, type Curve } from "./precision-recall.ts";

/** COCO's 12 metrics, each 0…1, or -1 when there was nothing to find. Order as in pycocotools' `stats`. */
export type CocoMetrics = {
  /** Mean over IoU 0.50:0.95, at most 100 detections per picture and category. */
  readonly ap: number;
  readonly ap50: number;
  readonly ap75: number;
  readonly apSmall: number;
  readonly apMedium: number;
  readonly apLarge: number;
  /** Average recall with at most 1, 10, 100 detections per picture and category. */
  readonly ar1: number;
  readonly ar10: number;
  readonly ar100: number;
  readonly arSmall: number;
  readonly arMedium: number;
  readonly arLarge: number;
};

/** Boxes taller than some height, with everything smaller ignored. */
export type HeightMetrics = {
  readonly minHeight: number;
  readonly objects: number;
  readonly ap: number;
  readonly ap50: number;
  readonly ar100: number;
};

const small = 32 ** 2;
const medium = 96 ** 2;
const far = 1e5 ** 2;

/** A range of areas in square pixels, both ends counted, as pycocotools does. */
function areaBetween(low: number, high: number): CountedBoxes {
  const inside = (area: number) => area >= low && area <= high;
  return { truth: (t) => inside(t.area), detection: (d) => inside(d.box[2] * d.box[3]) };
}

/**
 * The 12 COCO numbers, equal to pycocotools 2.0's `COCOeval` with `iouType` "bbox".
 * @param detections boxes of any picture; those whose picture or category is not in the annotations do not count.
 *
 * @example
 * ```ts
 * const annotations = parseCocoAnnotations({
 *   images: [{ id: 1, width: 640, height: 480 }],
 *   categories: [{ id: 1, name: "person" }],
 *   annotations: [{ image_id: 1, category_id: 1, bbox: [10, 10, 20, 40] }],
 * });
 * const found = { imageId: 1, categoryId: 1, score: 0.9, box: [10, 10, 20, 40] } as const;
 * assert.equal(evaluateCoco(annotations, [found]).ap.toFixed(2), "1.00");
 * ```
 */
export function evaluateCoco(annotations: CocoAnnotations, detections: readonly ScoredBox[]): CocoMetrics {
  const groups = groupByCategoryAndImage(annotations, detections);
  const all = areaBetween(0, far);
  const at100 = curves(groups, all, 100);
  const atSmall = curves(groups, areaBetween(0, small), 100);
  const atMedium = curves(groups, areaBetween(small, medium), 100);
  const atLarge = curves(groups, areaBetween(medium, far), 100);
  return {
    ap: mean(at100, "precision"),
    ap50: mean(at100, "precision", 0),
    ap75: mean(at100, "precision", 5),
    apSmall: mean(atSmall, "precision"),
    apMedium: mean(atMedium, "precision"),
    apLarge: mean(atLarge, "precision"),
    ar1: mean(curves(groups, all, 1), "recall"),
    ar10: mean(curves(groups, all, 10), "recall"),
    ar100: mean(at100, "recall"),
    arSmall: mean(atSmall, "recall"),
    arMedium: mean(atMedium, "recall"),
    arLarge: mean(atLarge, "recall"),
  };
}

/**
 * AP, AP50 and AR over objects taller than `minHeight` pixels; smaller objects and unmatched boxes are ignored.
 *
 * @example
 * ```ts
 * const annotations = parseCocoAnnotations({
 *   images: [{ id: 1, width: 640, height: 480 }],
 *   categories: [{ id: 1, name: "person" }],
 *   annotations: [{ image_id: 1, category_id: 1, bbox: [10, 10, 20, 40] }],
 * });
 * const { objects, ar100 } = evaluateTallerThan(annotations, [], 32);
 * assert.deepEqual({ objects, ar100 }, { objects: 1, ar100: 0 });
 * ```
 */
export function evaluateTallerThan(
  annotations: CocoAnnotations,
  detections: readonly ScoredBox[],
  minHeight: number,
): HeightMetrics {
  const tall = (box: { readonly box: GroundTruth["box"] }) => box.box[3] > minHeight;
  const all = curves(groupByCategoryAndImage(annotations, detections), { truth: tall, detection: tall }, 100);
  return {
    minHeight,
    objects: annotations.truths.filter((t) => !t.crowd && tall(t)).length,
    ap: mean(all, "precision"),
    ap50: mean(all, "precision", 0),
    ar100: mean(all, "recall"),
  };
}

type Group = { readonly truths: GroundTruth[]; readonly detections: ScoredBox[] };

/** Categories, then pictures, by ascending id: the order decides ties between pictures, as in pycocotools. */
function groupByCategoryAndImage(annotations: CocoAnnotations, detections: readonly ScoredBox[]): Group[][] {
  const imageIds = [...new Set(annotations.images.map((i) => i.id))].sort((a, b) => a - b);
  const categoryIds = [...new Set(annotations.categories.map((c) => c.id))].sort((a, b) => a - b);
  const byCategory = new Map(
    categoryIds.map((category) => [
      category,
      new Map(imageIds.map((image): [number, Group] => [image, { truths: [], detections: [] }])),
    ]),
  );
  for (const truth of annotations.truths) {
    byCategory.get(truth.categoryId)?.get(truth.imageId)?.truths.push(truth);
  }
  for (const detection of detections) {
    byCategory.get(detection.categoryId)?.get(detection.imageId)?.detections.push(detection);
  }
  return [...byCategory.values()].map((images) =>
    [...images.values()]
      .filter((g) => g.truths.length > 0 || g.detections.length > 0)
      .map((g) => ({ truths: g.truths, detections: [...bestFirst(g.detections)] })),
  );
}

function curves(groups: readonly Group[][], counted: CountedBoxes, maxDetections: number): Curve[] {
  return groups
    .map((images) =>
      accumulate(
        images.map((g) => matchImage(g.truths, g.detections.slice(0, maxDetections), counted)),
        iouThresholds.length,
      ),
    )
    .filter((curve) => curve !== undefined);
}

/** Mean over categories (and thresholds, unless one is named); -1 when there is none. */
function mean(over: readonly Curve[], part: keyof Curve, threshold?: number): number {
  const values = over.flatMap((c) => (threshold === undefined ? c[part] : [c[part][threshold]!]));
  return values.length === 0 ? -1 : values.reduce((a, b) => a + b, 0) / values.length;
}
