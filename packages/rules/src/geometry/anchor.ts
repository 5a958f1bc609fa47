import type { BoundingBox, Point } from "@sightline/contracts";

/**
 * Where an object stands: the middle of its box's lower edge, brought back into the picture.
 * @param box in 0..1 of the picture
 *
 * @example
 * ```ts
 * assert.deepEqual(anchorOf({ xMin: 0.25, yMin: 0.1, xMax: 0.75, yMax: 0.9 }), { x: 0.5, y: 0.9 });
 * ```
 */
export function anchorOf({ xMin, xMax, yMax }: BoundingBox): Point {
  return { x: clamp((xMin + xMax) / 2), y: clamp(yMax) };
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
