import type { Point } from "./rules-draft.ts";

/** The first two edges of a polygon that touch or cross where they should not, by the index of each edge's first point. */
export function crossingEdges(polygon: readonly Point[]): [number, number] | undefined {
  const count = polygon.length;
  for (let first = 0; first < count; first++)
    for (let second = first + 2; second < count; second++) {
      const neighbours = first === 0 && second === count - 1;
      if (
        !neighbours &&
        segmentsMeet(at(polygon, first), at(polygon, first + 1), at(polygon, second), at(polygon, second + 1))
      )
        return [first, second];
    }
  return undefined;
}

/** Twice the area of the polygon, without sign. */
export function doubleArea(polygon: readonly Point[]): number {
  let sum = 0;
  polygon.forEach(([x, y], index) => {
    const [nextX, nextY] = at(polygon, index + 1);
    sum += x * nextY - nextX * y;
  });
  return Math.abs(sum);
}

/**
 * The direction of "left to right" over a line, seen from its start towards its end: a vector of length 1 in a picture of `aspect` =
 * width / height, y down.
 */
export function leftToRight([x1, y1]: Point, [x2, y2]: Point, aspect: number): Point {
  const dx = (x2 - x1) * aspect;
  const dy = y2 - y1;
  const length = Math.hypot(dx, dy) || 1;
  return [-dy / length, dx / length];
}

function segmentsMeet(a: Point, b: Point, c: Point, d: Point): boolean {
  const abc = side(a, b, c);
  const abd = side(a, b, d);
  const cda = side(c, d, a);
  const cdb = side(c, d, b);
  if (abc * abd < 0 && cda * cdb < 0) return true;
  return (
    (abc === 0 && isBetween(a, b, c)) ||
    (abd === 0 && isBetween(a, b, d)) ||
    (cda === 0 && isBetween(c, d, a)) ||
    (cdb === 0 && isBetween(c, d, b))
  );
}

/** On which side of the line from `a` to `b` a point lies; 0 means on it. */
function side(a: Point, b: Point, p: Point): number {
  return Math.sign((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]));
}

function isBetween(a: Point, b: Point, p: Point): boolean {
  return (
    Math.min(a[0], b[0]) <= p[0] &&
    p[0] <= Math.max(a[0], b[0]) &&
    Math.min(a[1], b[1]) <= p[1] &&
    p[1] <= Math.max(a[1], b[1])
  );
}

function at(polygon: readonly Point[], index: number): Point {
  return polygon[index % polygon.length] as Point;
}
