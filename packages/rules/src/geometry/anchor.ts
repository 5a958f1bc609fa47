import type { BoundingBox, Point } from "@sightline/contracts";

/**
 * Where an object stands: the middle of its box's lower edge, brought back into the picture.
 * @param box in 0..1 of the picture
 */
export function anchorOf({ xMin, xMax, yMax }: BoundingBox): Point {
  return { x: clamp((xMin + xMax) / 2), y: clamp(yMax) };
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
