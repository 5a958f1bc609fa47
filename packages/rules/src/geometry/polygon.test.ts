import type { Point } from "@sightline/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Polygon, polygonFault } from "./polygon.ts";

/** Coordinates on a coarse grid make points on edges, corners and common lines frequent. */
const grid = fc.integer({ min: 0, max: 12 }).map((n) => n / 12);
const fine = fc.double({ min: 0, max: 1, noNaN: true }).map((x) => Math.fround(x));
const gridPoint = fc.record({ x: grid, y: grid });
const anyPoint = fc.oneof(gridPoint, fc.record({ x: fine, y: fine }));

/** A simple polygon: points around a centre by angle, at any distance. */
const star = fc
  .array(
    fc.record({
      angle: fc.double({ min: 0, max: 1, noNaN: true }),
      reach: fc.double({ min: 0.05, max: 0.5, noNaN: true }),
    }),
    {
      minLength: 3,
      maxLength: 20,
    },
  )
  .map((corners) =>
    corners
      .toSorted((a, b) => a.angle - b.angle)
      .map(({ angle, reach }) => ({
        x: 0.5 + reach * Math.cos(2 * Math.PI * angle),
        y: 0.5 + reach * Math.sin(2 * Math.PI * angle),
      })),
  )
  .filter((points) => polygonFault(points) === undefined);
/** Any simple polygon with corners on the grid, right angles and straight-on corners among them. */
const gridPolygon = fc
  .array(gridPoint, { minLength: 3, maxLength: 8 })
  .filter((points) => polygonFault(points) === undefined);
const polygon = fc.oneof(star, gridPolygon);

/** Winding number by angles summed up; meaningless for points on the outline. */
function windingNumber(points: readonly Point[], { x, y }: Point): number {
  let sum = 0;
  for (const [index, a] of points.entries()) {
    const b = points[(index + 1) % points.length]!;
    const from = Math.atan2(a.y - y, a.x - x);
    let turn = Math.atan2(b.y - y, b.x - x) - from;
    if (turn > Math.PI) turn -= 2 * Math.PI;
    if (turn < -Math.PI) turn += 2 * Math.PI;
    sum += turn;
  }
  return Math.round(sum / (2 * Math.PI));
}

function distanceToOutline(points: readonly Point[], { x, y }: Point): number {
  return Math.min(
    ...points.map((a, index) => {
      const b = points[(index + 1) % points.length]!;
      const [dx, dy] = [b.x - a.x, b.y - a.y];
      const along = Math.min(1, Math.max(0, ((x - a.x) * dx + (y - a.y) * dy) / (dx * dx + dy * dy)));
      return Math.hypot(x - a.x - along * dx, y - a.y - along * dy);
    }),
  );
}

describe("a point in a polygon", () => {
  it("is inside where the outline winds around it", () => {
    fc.assert(
      fc.property(polygon, anyPoint, (points, point) => {
        fc.pre(distanceToOutline(points, point) > 1e-9);
        expect(new Polygon(points).contains(point)).toBe(windingNumber(points, point) !== 0);
      }),
      { numRuns: 2000 },
    );
  });

  it("is inside when it is a corner, or on an edge", () => {
    fc.assert(
      fc.property(gridPolygon, (points) => {
        const inside = new Polygon(points);
        for (const [index, a] of points.entries()) {
          const b = points[(index + 1) % points.length]!;
          expect(inside.contains(a)).toBe(true);
          // The middle of two grid points is exact only in units of the grid.
          const twelfths = {
            x: Math.round(a.x * 12) + Math.round(b.x * 12),
            y: Math.round(a.y * 12) + Math.round(b.y * 12),
          };
          const scaled = new Polygon(
            points.map(({ x, y }) => ({ x: Math.round(x * 12) * 2, y: Math.round(y * 12) * 2 })),
          );
          expect(scaled.contains(twelfths)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is inside whichever corner the list begins with, and in either order", () => {
    fc.assert(
      fc.property(polygon, anyPoint, fc.nat(), (points, point, turn) => {
        const at = turn % points.length;
        const rotated = [...points.slice(at), ...points.slice(0, at)];
        const inside = new Polygon(points).contains(point);
        expect(new Polygon(rotated).contains(point)).toBe(inside);
        expect(new Polygon(rotated.toReversed()).contains(point)).toBe(inside);
      }),
      { numRuns: 1000 },
    );
  });

  it("stays inside when both are moved, or the picture is mirrored", () => {
    const whole = fc.record({ x: fc.integer({ min: 0, max: 12 }), y: fc.integer({ min: 0, max: 12 }) });
    const wholePolygon = fc
      .array(whole, { minLength: 3, maxLength: 8 })
      .filter((points) => polygonFault(points) === undefined);
    fc.assert(
      fc.property(wholePolygon, whole, whole, (points, point, by) => {
        const moved = ({ x, y }: Point) => ({ x: x + by.x, y: y - by.y });
        const mirrored = ({ x, y }: Point) => ({ x: -x, y });
        const inside = new Polygon(points).contains(point);
        expect(new Polygon(points.map(moved)).contains(moved(point))).toBe(inside);
        expect(new Polygon(points.map(mirrored)).contains(mirrored(point))).toBe(inside);
      }),
      { numRuns: 1000 },
    );
  });

  it("is in exactly one of two parts, or on the cut", () => {
    fc.assert(
      fc.property(fine, fine, anyPoint, (first, second, point) => {
        fc.pre(first > 0 && first < 1 && second > 0 && second < 1);
        // The unit square, cut by a line from its upper to its lower edge that no coordinate rounds nicely on.
        const [above, below] = [
          { x: first, y: 0 },
          { x: second, y: 1 },
        ];
        const west = new Polygon([{ x: 0, y: 0 }, above, below, { x: 0, y: 1 }]);
        const east = new Polygon([above, { x: 1, y: 0 }, { x: 1, y: 1 }, below]);
        const middle = { x: (first + second) / 2, y: 0.5 };
        for (const candidate of [point, middle, above, below]) {
          expect(west.contains(candidate) || east.contains(candidate)).toBe(true);
        }
        expect(west.contains(above) && east.contains(above)).toBe(true);
      }),
    );
  });

  it("is not inside when it is no number", () => {
    const square = new Polygon([
      { x: 0, y: 0 },
      { x: 1, y: 0 },
      { x: 1, y: 1 },
      { x: 0, y: 1 },
    ]);
    expect(square.contains({ x: Number.NaN, y: 0.5 })).toBe(false);
    expect(square.contains({ x: 0.5, y: Number.POSITIVE_INFINITY })).toBe(false);
  });
});

describe("what is no polygon", () => {
  const points = (...pairs: [number, number][]) => pairs.map(([x, y]) => ({ x, y }));

  it("is one whose points are all on one line, wherever the line goes", () => {
    fc.assert(
      fc.property(
        gridPoint,
        gridPoint,
        fc.uniqueArray(fc.integer({ min: 0, max: 8 }), { minLength: 3, maxLength: 6 }),
        (a, b, steps) => {
          fc.pre(a.x !== b.x || a.y !== b.y);
          // In whole numbers the points are on the line exactly.
          const at = (value: number) => Math.round(value * 12);
          const line = steps.map((step) => ({
            x: at(a.x) + step * (at(b.x) - at(a.x)),
            y: at(a.y) + step * (at(b.y) - at(a.y)),
          }));
          expect(polygonFault(line)).toEqual({ kind: "no_area" });
        },
      ),
    );
  });

  it("is one that names a point twice, next to each other or not", () => {
    expect(polygonFault(points([0, 0], [1, 0], [1, 1], [0, 0]))).toEqual({
      kind: "repeated_point",
      first: 0,
      second: 3,
    });
    expect(polygonFault(points([0, 0], [1, 0], [1, 0], [0, 1]))).toEqual({
      kind: "repeated_point",
      first: 1,
      second: 2,
    });
  });

  it("is one whose edges cross, touch, or go back on themselves", () => {
    const bowTie = points([0, 0], [1, 1], [1, 0], [0, 1]);
    expect(polygonFault(bowTie)).toEqual({ kind: "edges_meet", first: 0, second: 2 });
    const cornerOnEdge = points([0, 0], [1, 0], [1, 1], [0.5, 0], [0, 1]);
    expect(polygonFault(cornerOnEdge)?.kind).toBe("edges_meet");
    const spike = points([0, 0], [1, 0], [0.5, 0], [0.5, 1]);
    expect(polygonFault(spike)).toEqual({ kind: "edges_meet", first: 0, second: 1 });
    const spikeAtTheSeam = points([0.5, 0], [0.5, 1], [0, 0], [1, 0]);
    expect(polygonFault(spikeAtTheSeam)?.kind).toBe("edges_meet");
  });

  it("is found whichever corner the list begins with, and in either order", () => {
    fc.assert(
      fc.property(fc.array(gridPoint, { minLength: 3, maxLength: 7 }), fc.nat(), (corners, turn) => {
        const at = turn % corners.length;
        const rotated = [...corners.slice(at), ...corners.slice(0, at)];
        const kind = polygonFault(corners)?.kind;
        expect(polygonFault(rotated)?.kind).toBe(kind);
        expect(polygonFault(rotated.toReversed())?.kind).toBe(kind);
      }),
      { numRuns: 2000 },
    );
  });

  it("is not one with corners straight on, nor a concave one", () => {
    expect(polygonFault(points([0, 0], [0.5, 0], [1, 0], [1, 1]))).toBeUndefined();
    expect(polygonFault(points([0, 0], [1, 0], [1, 1], [0.5, 0.2], [0, 1]))).toBeUndefined();
  });
});
