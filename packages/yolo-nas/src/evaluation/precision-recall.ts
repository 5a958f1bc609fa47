import type { ImageOutcome } from "./box-matching.ts";

/** COCO's 101 recall points. */
const recallPoints = Array.from({ length: 101 }, (_, i) => i * 0.01);
recallPoints[100] = 1;

/** Average precision and final recall per IoU threshold. */
export type Curve = { readonly precision: readonly number[]; readonly recall: readonly number[] };

/**
 * Joins the pictures of one category into a precision-recall curve (`COCOeval.accumulate`), interpolated at 101 recall points.
 * @returns undefined when there was nothing to find; the category is then left out of every mean.
 */
export function accumulate(outcomes: readonly ImageOutcome[], thresholds: number): Curve | undefined {
  let counted = 0;
  const order: { score: number; image: number; index: number }[] = [];
  for (const [image, outcome] of outcomes.entries()) {
    counted += outcome.counted;
    for (const [index, score] of outcome.scores.entries()) order.push({ score, image, index });
  }
  if (counted === 0) return undefined;
  order.sort((a, b) => b.score - a.score);
  const precision: number[] = [];
  const recall: number[] = [];
  for (let threshold = 0; threshold < thresholds; threshold += 1) {
    const recalls: number[] = [];
    const precisions: number[] = [];
    let right = 0;
    let wrong = 0;
    for (const { image, index } of order) {
      const outcome = outcomes[image]!;
      if (!outcome.ignored[threshold]![index]) {
        if (outcome.matched[threshold]![index]) right += 1;
        else wrong += 1;
      }
      recalls.push(right / counted);
      precisions.push(right / (wrong + right + Number.EPSILON));
    }
    precision.push(interpolate(recalls, precisions));
    recall.push(recalls.at(-1) ?? 0);
  }
  return { precision, recall };
}

/** Mean over the recall points of the best precision at that recall or beyond. */
function interpolate(recalls: readonly number[], precisions: number[]): number {
  for (let i = precisions.length - 1; i > 0; i -= 1) {
    if (precisions[i]! > precisions[i - 1]!) precisions[i - 1] = precisions[i]!;
  }
  let sum = 0;
  let at = 0;
  for (const point of recallPoints) {
    while (at < recalls.length && recalls[at]! < point) at += 1;
    if (at === recalls.length) break;
    sum += precisions[at]!;
  }
  return sum / recallPoints.length;
}
