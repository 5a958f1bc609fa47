import type { Point } from "@sightline/contracts";
import { orient2d } from "robust-predicates";

/** Where a point is for someone who stands at a line's first point and looks to its second, the picture before them. */
export type Side = -1 | 0 | 1;
export const left: Side = -1;
export const on: Side = 0;
export const right: Side = 1;

/** Exact, whatever the rounding: the sign comes from adaptive-precision arithmetic (Shewchuk 1997). */
export function sideOf(start: Point, end: Point, point: Point): Side {
  // With y down, orient2d is positive for what is on the left as the picture is looked at.
  const turn = orient2d(start.x, start.y, end.x, end.y, point.x, point.y);
  return turn > 0 ? left : turn < 0 ? right : on;
}

/** Whether a point known to be on the line through two others lies between them, or is one of them. */
export function isBetween(start: Point, end: Point, point: Point): boolean {
  return (
    Math.min(start.x, end.x) <= point.x &&
    point.x <= Math.max(start.x, end.x) &&
    Math.min(start.y, end.y) <= point.y &&
    point.y <= Math.max(start.y, end.y)
  );
}

/** Whether two segments have a point in common, their ends included. A segment may be a single point. */
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
