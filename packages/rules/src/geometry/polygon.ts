import type { BoundingBox, Point } from "@sightline/contracts";
import { isBetween, left, on, segmentsMeet, sideOf } from "./orientation.ts";

/**
 * A polygon prepared for many checks. Its edges must not cross (`polygonFault`).
 *
 * @example
 * ```ts
 * const yard = new Polygon([{ x: 0, y: 0 }, { x: 1, y: 0 }, { x: 1, y: 1 }]);
 * assert.equal(yard.contains({ x: 0.75, y: 0.25 }), true);
 * assert.equal(yard.contains({ x: 0.25, y: 0.75 }), false);
 * ```
 */
export class Polygon {
  readonly #points: readonly Point[];
  readonly #xMin: number;
  readonly #yMin: number;
  readonly #xMax: number;
  readonly #yMax: number;

  constructor(points: readonly Point[]) {
    this.#points = points;
    this.#xMin = Math.min(...points.map(({ x }) => x));
    this.#yMin = Math.min(...points.map(({ y }) => y));
    this.#xMax = Math.max(...points.map(({ x }) => x));
    this.#yMax = Math.max(...points.map(({ y }) => y));
  }

  /** Whether a point is inside. Points on an edge or a corner count as inside. Exact. */
  contains(point: Point): boolean {
    const { x, y } = point;
    if (!(x >= this.#xMin && x <= this.#xMax && y >= this.#yMin && y <= this.#yMax)) return false;
    let inside = false;
    const points = this.#points;
    let a = points[points.length - 1]!;
    for (const b of points) {
      const upward = b.y > y;
      if (a.y > y !== upward) {
        // The edge passes the height of the point; find the side.
        const side = sideOf(a, b, point);
        if (side === on) return true;
        if ((side === left) === upward) inside = !inside;
      } else if ((a.y === y || b.y === y) && sideOf(a, b, point) === on && isBetween(a, b, point)) {
        return true;
      }
      a = b;
    }
    return inside;
  }
}

/** Why a list of points is not a polygon. Points and edges are numbered from 0; edge i begins at point i. */
export type PolygonFault =
  | { readonly kind: "repeated_point"; readonly first: number; readonly second: number }
  | { readonly kind: "no_area" }
  | { readonly kind: "edges_meet"; readonly first: number; readonly second: number };

/** The first thing wrong with a polygon of three or more points; undefined when it is simple and has an area. Exact. */
export function polygonFault(points: readonly Point[]): PolygonFault | undefined {
  for (const [second, point] of points.entries()) {
    const first = points.findIndex(({ x, y }) => x === point.x && y === point.y);
    if (first < second) return { kind: "repeated_point", first, second };
  }
  const [start, next] = points;
  if (start === undefined || next === undefined) return { kind: "no_area" };
  if (points.every((point) => sideOf(start, next, point) === on)) return { kind: "no_area" };
  const count = points.length;
  const at = (index: number) => points[index % count]!;
  for (let first = 0; first < count; first++) {
    for (let second = first + 1; second < count; second++) {
      const follows = second === first + 1;
      const precedes = first === 0 && second === count - 1;
      const meet = follows
        ? turnsBack(at(first), at(second), at(second + 1))
        : precedes
          ? turnsBack(at(second), at(0), at(1))
          : segmentsMeet(at(first), at(first + 1), at(second), at(second + 1));
      if (meet) return { kind: "edges_meet", first, second };
    }
  }
  return undefined;
}

/** Whether the path from a over b to c turns back on itself at b. */
function turnsBack(a: Point, b: Point, c: Point): boolean {
  return sideOf(a, b, c) === on && (isBetween(a, b, c) || isBetween(b, c, a));
}

/**
 * Where an object stands: the middle of its box's lower edge, clamped to the picture.
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
