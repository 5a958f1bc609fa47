import type { Point } from "@sightline/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CrossingLine } from "./line-crossing.ts";
import { left, on, right, type Side, segmentsMeet, sideOf } from "./orientation.ts";

const size = { width: 0.1, height: 0.1 };
const toRight = right;
const toLeft = left;

/** The sides crossed to, one after the other. */
function walk(line: CrossingLine, path: readonly Point[], box = size): Side[] {
  const [first, ...rest] = path;
  const memory = line.begin(first!);
  return rest.map((point) => line.step(memory, point, box)).filter((side) => side !== on);
}
const at = (...pairs: [number, number][]) => pairs.map(([x, y]) => ({ x, y }));

// From the picture's lower edge up: left is where x is smaller.
const upright = new CrossingLine({ x: 0.5, y: 0.8 }, { x: 0.5, y: 0.2 });

describe("the side of a line", () => {
  it("is as for someone who stands at its start and looks to its end", () => {
    const [start, end] = [
      { x: 0.5, y: 0.8 },
      { x: 0.5, y: 0.2 },
    ];
    expect(sideOf(start, end, { x: 0.2, y: 0.5 })).toBe(left);
    expect(sideOf(start, end, { x: 0.8, y: 0.5 })).toBe(right);
    expect(sideOf(start, end, { x: 0.5, y: 0 })).toBe(on);
    expect(sideOf(end, start, { x: 0.2, y: 0.5 })).toBe(right);
  });

  it("is exact where rounding is not", () => {
    const start = { x: 0.1, y: 0.1 };
    const end = { x: 0.3, y: 0.3 };
    for (const x of [0.2, 0.15, 0.7, 1 / 3]) {
      const above = { x, y: x - x * 2 ** -52 };
      expect(sideOf(start, end, { x, y: x })).toBe(on);
      expect(sideOf(start, end, above)).toBe(-sideOf(end, start, above));
      expect(sideOf(start, end, above)).not.toBe(on);
    }
  });
});

describe("two segments", () => {
  const whole = fc.record({ x: fc.integer({ min: 0, max: 5 }), y: fc.integer({ min: 0, max: 5 }) });

  it("meet where a common point can be found in exact fractions", () => {
    fc.assert(
      fc.property(whole, whole, whole, whole, (a, b, c, d) => {
        // Both as sets of points a + s(b−a), in lowest terms: 0 ≤ s, t ≤ 1 with a + s(b−a) = c + t(d−c).
        const determinant = (b.x - a.x) * (d.y - c.y) - (b.y - a.y) * (d.x - c.x);
        fc.pre(determinant !== 0);
        const s = ((c.x - a.x) * (d.y - c.y) - (c.y - a.y) * (d.x - c.x)) * Math.sign(determinant);
        const t = ((c.x - a.x) * (b.y - a.y) - (c.y - a.y) * (b.x - a.x)) * Math.sign(determinant);
        const most = Math.abs(determinant);
        expect(segmentsMeet(a, b, c, d)).toBe(s >= 0 && s <= most && t >= 0 && t <= most);
      }),
      { numRuns: 2000 },
    );
  });

  it("meet whichever comes first and whichever way they go", () => {
    fc.assert(
      fc.property(whole, whole, whole, whole, (a, b, c, d) => {
        const meet = segmentsMeet(a, b, c, d);
        expect(segmentsMeet(c, d, a, b)).toBe(meet);
        expect(segmentsMeet(b, a, c, d)).toBe(meet);
        expect(segmentsMeet(a, b, d, c)).toBe(meet);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("crossing a line", () => {
  it("tells the direction, and coming back is the other", () => {
    expect(walk(upright, at([0.2, 0.5], [0.8, 0.5]))).toEqual([toRight]);
    expect(walk(upright, at([0.8, 0.5], [0.2, 0.5]))).toEqual([toLeft]);
    expect(walk(upright, at([0.2, 0.5], [0.8, 0.5], [0.2, 0.5], [0.8, 0.5]))).toEqual([
      toRight,
      toLeft,
      toRight,
    ]);
  });

  it("counts once when a frame finds the object right on the line", () => {
    expect(walk(upright, at([0.2, 0.5], [0.5, 0.5], [0.8, 0.5]))).toEqual([toRight]);
    expect(walk(upright, at([0.2, 0.5], [0.5, 0.5], [0.5, 0.4], [0.5, 0.3], [0.8, 0.3]))).toEqual([toRight]);
  });

  it("does not count touching and turning back, or beginning on the line", () => {
    expect(walk(upright, at([0.2, 0.5], [0.5, 0.5], [0.2, 0.4]))).toEqual([]);
    expect(walk(upright, at([0.5, 0.5], [0.8, 0.5]))).toEqual([]);
    expect(walk(upright, at([0.5, 0.5], [0.8, 0.5], [0.2, 0.5]))).toEqual([toLeft]);
  });

  it("does not count going past the line's ends, but its ends belong to it", () => {
    expect(walk(upright, at([0.2, 0.1], [0.8, 0.1]))).toEqual([]);
    expect(walk(upright, at([0.2, 0.9], [0.8, 0.9], [0.8, 0.5], [0.2, 0.5]))).toEqual([toLeft]);
    expect(walk(upright, at([0.2, 0.2], [0.8, 0.2]))).toEqual([toRight]);
    expect(walk(upright, at([0.2, 0.8], [0.5, 0.8], [0.8, 0.9]))).toEqual([toRight]);
  });

  it("does not count trembling on the line, however long", () => {
    const tremble = fc.array(fc.double({ min: -0.009, max: 0.009, noNaN: true }), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(tremble, (offsets) => {
        const trembling = offsets.map((offset) => ({ x: 0.5 + offset, y: 0.5 }));
        const [before, after, back] = [
          { x: 0.3, y: 0.5 },
          { x: 0.7, y: 0.5 },
          { x: 0.3, y: 0.45 },
        ];
        expect(walk(upright, [before, ...trembling, after])).toEqual([toRight]);
        expect(walk(upright, [before, ...trembling, back])).toEqual([]);
        expect(walk(upright, trembling)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it("counts slow steps: each smaller than the clearance", () => {
    const steps = Array.from({ length: 81 }, (_, index) => ({ x: 0.3 + index * 0.005, y: 0.5 }));
    expect(walk(upright, steps)).toEqual([toRight]);
    expect(walk(upright, steps.toReversed())).toEqual([toLeft]);
  });

  it("counts an object without extent as clear at once", () => {
    expect(walk(upright, at([0.4999, 0.5], [0.5001, 0.5]), { width: 0, height: 0 })).toEqual([toRight]);
  });

  // In whole numbers points fall on the line and its ends often, and all are either on it or clear of it.
  const cell = fc.integer({ min: 0, max: 10 });
  const path = fc.array(fc.record({ x: cell, y: cell }), { minLength: 2, maxLength: 30 });
  const line = fc
    .tuple(fc.record({ x: cell, y: cell }), fc.record({ x: cell, y: cell }))
    .filter(([a, b]) => a.x !== b.x || a.y !== b.y);
  const small = { width: 1e-9, height: 1e-9 };

  it("is the other way round for the line turned round", () => {
    fc.assert(
      fc.property(line, path, ([start, end], points) => {
        const turned = walk(new CrossingLine(end, start), points, small);
        expect(walk(new CrossingLine(start, end), points, small)).toEqual(turned.map((side) => -side));
      }),
      { numRuns: 2000 },
    );
  });

  it("is the other way round, and in reverse, for the way back", () => {
    fc.assert(
      fc.property(line, path, ([start, end], points) => {
        // Where the object comes from must be known in both directions.
        fc.pre(sideOf(start, end, points[0]!) !== on && sideOf(start, end, points.at(-1)!) !== on);
        const back = walk(new CrossingLine(start, end), points.toReversed(), small);
        expect(walk(new CrossingLine(start, end), points, small)).toEqual(
          back.toReversed().map((side) => -side),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it("adds up: between two points the crossings of a closed outline are as the points are in or out", () => {
    // Around a triangle, corners left aside, each crossing of an edge changes inside to outside.
    const corners = at([1.537, 2.511], [8.519, 3.571], [4.493, 9.547]);
    const edges = corners.map((corner, index) => new CrossingLine(corner, corners[(index + 1) % 3]!));
    const contains = (point: Point) =>
      corners.every((corner, index) => sideOf(corner, corners[(index + 1) % 3]!, point) === right);
    fc.assert(
      fc.property(path, (points) => {
        const inward = edges
          .flatMap((edge) => walk(edge, points, small))
          .reduce<number>((sum, side) => sum + side, 0);
        expect(inward).toBe(Number(contains(points.at(-1)!)) - Number(contains(points[0]!)));
      }),
      { numRuns: 2000 },
    );
  });
});
