/** An upright box in pixels of the picture; xMin < xMax, yMin < yMax. */
export interface Box {
  readonly xMin: number;
  readonly yMin: number;
  readonly xMax: number;
  readonly yMax: number;
}

/**
 * Whether all four sides are finite and the box has an area.
 *
 * @example
 * ```ts
 * assert.equal(isProperBox({ xMin: 0, yMin: 0, xMax: 4, yMax: 2 }), true);
 * assert.equal(isProperBox({ xMin: 4, yMin: 0, xMax: 4, yMax: 2 }), false);
 * ```
 */
export function isProperBox(box: Box): boolean {
  const width = box.xMax - box.xMin;
  const height = box.yMax - box.yMin;
  // Infinity minus Infinity is NaN, which fails the comparison as well.
  return width > 0 && height > 0 && width < Infinity && height < Infinity;
}

/**
 * Intersection over union, 0…1.
 *
 * @example
 * ```ts
 * const left = { xMin: 0, yMin: 0, xMax: 2, yMax: 1 };
 * const right = { xMin: 1, yMin: 0, xMax: 3, yMax: 1 };
 * assert.equal(intersectionOverUnion(left, right), 1 / 3);
 * ```
 */
export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.xMax, b.xMax) - Math.max(a.xMin, b.xMin);
  if (width <= 0) return 0;
  const height = Math.min(a.yMax, b.yMax) - Math.max(a.yMin, b.yMin);
  if (height <= 0) return 0;
  const intersection = width * height;
  const areas = (a.xMax - a.xMin) * (a.yMax - a.yMin) + (b.xMax - b.xMin) * (b.yMax - b.yMin);
  return intersection / (areas - intersection);
}

/**
 * Intersection over union of two boxes moved to the same centre, 0…1: how similar they are in shape and size.
 *
 * @example
 * ```ts
 * const here = { xMin: 0, yMin: 0, xMax: 2, yMax: 4 };
 * const farAway = { xMin: 90, yMin: 0, xMax: 92, yMax: 2 };
 * assert.equal(shapeSimilarity(here, farAway), 0.5);
 * ```
 */
export function shapeSimilarity(a: Box, b: Box): number {
  const [aWidth, aHeight] = [a.xMax - a.xMin, a.yMax - a.yMin];
  const [bWidth, bHeight] = [b.xMax - b.xMin, b.yMax - b.yMin];
  const intersection = Math.min(aWidth, bWidth) * Math.min(aHeight, bHeight);
  return intersection / (aWidth * aHeight + bWidth * bHeight - intersection);
}

/** One detection to be tracked; box in pixels of the camera's picture. */
export interface Observation {
  readonly classId: number;
  /** The detector's confidence, 0…1. */
  readonly score: number;
  readonly box: Box;
}
