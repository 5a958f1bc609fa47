import { describe, expect, it } from "vitest";
import type { Point } from "./rules-draft.ts";
import { nextSketch, type Sketch } from "./sketch.ts";

const reach: Point = [0.02, 0.02];

function click(tool: "zone" | "line", clicks: Point[]) {
  let points: Sketch = [];
  let whole = false;
  for (const point of clicks) ({ points, whole } = nextSketch(tool, points, point, reach));
  return { points, whole };
}

describe("sketch", () => {
  it("closes a polygon at its first corner", () => {
    const result = click("zone", [
      [0.1, 0.1],
      [0.5, 0.1],
      [0.5, 0.5],
      [0.11, 0.11],
    ]);
    expect(result).toEqual({
      points: [
        [0.1, 0.1],
        [0.5, 0.1],
        [0.5, 0.5],
      ],
      whole: true,
    });
  });

  it("closes a polygon with a double click, but not before it has three corners", () => {
    expect(
      click("zone", [
        [0.1, 0.1],
        [0.5, 0.1],
        [0.5, 0.5],
        [0.5, 0.5],
      ]).whole,
    ).toBe(true);
    expect(
      click("zone", [
        [0.1, 0.1],
        [0.5, 0.1],
        [0.5, 0.1],
      ]),
    ).toEqual({
      points: [
        [0.1, 0.1],
        [0.5, 0.1],
      ],
      whole: false,
    });
  });

  it("has a line whole with its second point", () => {
    expect(click("line", [[0.1, 0.1]]).whole).toBe(false);
    expect(
      click("line", [
        [0.1, 0.1],
        [0.1, 0.1],
      ]),
    ).toEqual({ points: [[0.1, 0.1]], whole: false });
    expect(
      click("line", [
        [0.1, 0.1],
        [0.9, 0.1],
      ]),
    ).toEqual({
      points: [
        [0.1, 0.1],
        [0.9, 0.1],
      ],
      whole: true,
    });
  });
});
