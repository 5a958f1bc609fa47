import { expect, test } from "vitest";
import { cameraFrameRate } from "./frame-rate.ts";

const tenth = (count: number) => Array.from({ length: count }, (_, i) => 100_000 * i);

test("the rate is that of the pictures' times; one that is there twice counts once", () => {
  expect(cameraFrameRate([0, 0, ...tenth(8)], [])).toBe(10);
  expect(cameraFrameRate([5], [])).toBeUndefined();
});

test("times that stand still, or move by pairs, tell no rate, and the frames' arrival does", () => {
  const still = tenth(8).map((_, i) => 11 * i);
  const pairs = tenth(8).map((time, i) => (i % 2 === 0 ? time : time - 100_000 + 11));
  expect([still, pairs].map((times) => cameraFrameRate(times, tenth(8)))).toEqual([10, 10]);
  expect(cameraFrameRate(still, still)).toBeUndefined();
});
