import type { Point } from "@sightline/contracts";
import { orient2d } from "robust-predicates";

/** The side of a point, seen by someone who stands in the picture at a line's first point and looks towards its second. */
export type Side = -1 | 0 | 1;
export const left: Side = -1;
export const on: Side = 0;
export const right: Side = 1;

/** Exact in spite of rounding: the sign comes from adaptive-precision arithmetic (Shewchuk 1997). */
export function sideOf(start: Point, end: Point, point: Point): Side {
  // With y pointing down, orient2d is positive for points on the left in the picture.
  const turn = orient2d(start.x, start.y, end.x, end.y, point.x, point.y);
  return turn > 0 ? left : turn < 0 ? right : on;
}

/** Whether a point that is on the line through two others lies between them, or is one of them. */
export function isBetween(start: Point, end: Point, point: Point): boolean {
  return (
    Math.min(start.x, end.x) <= point.x &&
    point.x <= Math.max(start.x, end.x) &&
    Math.min(start.y, end.y) <= point.y &&
    point.y <= Math.max(start.y, end.y)
  );
}

/** Whether two segments share a point, ends included. A segment may be a single point. */
export function segmentsMeet(a: Point, b: Point, c: Point, d: Point): boolean {
  const cSide = sideOf(a, b, c);
  const dSide = sideOf(a, b, d);
  const aSide = sideOf(c, d, a);
  const bSide = sideOf(c, d, b);
  if (cSide * dSide < 0 && aSide * bSide < 0) return true;
  return (
    (cSide === on && isBetween(a, b, c)) ||
    (dSide === on && isBetween(a, b, d)) ||
    (aSide === on && isBetween(c, d, a)) ||
    (bSide === on && isBetween(c, d, b))
  );
}
