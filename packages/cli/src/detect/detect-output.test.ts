import { expect, test } from "vitest";
import { paintDetections } from "./paint-detections.ts";
import { summaryOf } from "./progress-line.ts";

function blank(width: number, height: number) {
  return { pixels: new Uint8Array(3 * width * height), width, height };
}

test("paints the sides of a box and a label above it, and nothing inside", () => {
  const picture = blank(100, 80);
  paintDetections(picture, [{ classId: 0, score: 0.9, box: [10, 30, 60, 70] }], ["a"]);
  const lit = (x: number, y: number) =>
    picture.pixels.subarray(3 * (y * 100 + x), 3 * (y * 100 + x) + 3).some(Boolean);
  expect([lit(10, 50), lit(59, 50), lit(30, 30), lit(30, 69)]).toEqual([true, true, true, true]);
  expect(lit(30, 50)).toBe(false);
  expect(lit(10, 21)).toBe(true);
  expect(lit(80, 50)).toBe(false);
});

test("stays inside the picture, whatever the box", () => {
  const picture = blank(20, 10);
  const boxes = [
    [-50, -50, 500, 500],
    [19, 9, 20, 10],
  ] as const;
  paintDetections(
    picture,
    boxes.map((box) => ({ classId: 7, score: 1, box })),
    [],
  );
  expect(picture.pixels.length).toBe(600);
});

test("the summary says how much was done in how long, also when it was nothing", () => {
  expect(summaryOf(0, 4)).toBe("0 frames in 4 s");
  expect(summaryOf(1, 2)).toBe("1 frame in 2 s, 0.5 frames/s");
  expect(summaryOf(200, 77)).toBe("200 frames in 1 min 17 s, 2.6 frames/s");
});
