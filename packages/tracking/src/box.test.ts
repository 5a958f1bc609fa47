import { describe, expect, it } from "vitest";
import { intersectionOverUnion, isProperBox } from "./box.ts";

const box = (xMin: number, yMin: number, xMax: number, yMax: number) => ({ xMin, yMin, xMax, yMax });

describe("intersectionOverUnion", () => {
  it("is the shared part of both", () => {
    expect(intersectionOverUnion(box(0, 0, 2, 2), box(1, 1, 3, 3))).toBe(1 / 7);
    expect(intersectionOverUnion(box(0, 0, 4, 4), box(1, 1, 3, 3))).toBe(4 / 16);
    expect(intersectionOverUnion(box(0, 0, 2, 2), box(0, 0, 2, 2))).toBe(1);
  });

  it("is 0 for boxes that touch or lie apart", () => {
    expect(intersectionOverUnion(box(0, 0, 1, 1), box(1, 0, 2, 1))).toBe(0);
    expect(intersectionOverUnion(box(0, 0, 1, 1), box(0, 1, 1, 2))).toBe(0);
    expect(intersectionOverUnion(box(0, 0, 1, 1), box(5, 5, 6, 6))).toBe(0);
  });
});

describe("isProperBox", () => {
  it("wants an area and finite sides", () => {
    expect(isProperBox(box(0, 0, 1, 1))).toBe(true);
    expect(isProperBox(box(0, 0, 0, 1))).toBe(false);
    expect(isProperBox(box(1, 0, 0, 1))).toBe(false);
    expect(isProperBox(box(0, 0, Number.NaN, 1))).toBe(false);
    expect(isProperBox(box(0, 0, Number.POSITIVE_INFINITY, 1))).toBe(false);
    expect(isProperBox(box(Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY, 1))).toBe(false);
  });
});
