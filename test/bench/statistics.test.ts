import { expect, test } from "vitest";
import { jain, median, quantile } from "./statistics.ts";

test("Jain's index is 1 for equal shares and 1/n when one has all", () => {
  expect(jain([3, 3, 3])).toBe(1);
  expect(jain([6, 0, 0])).toBeCloseTo(1 / 3);
  expect(jain([2, 1])).toBeCloseTo(0.9);
});

test("quantiles are values that occurred", () => {
  const values = [5, 1, 4, 2, 3];
  expect(median(values)).toBe(3);
  expect(quantile(values, 0.99)).toBe(5);
  expect(quantile(values, 0)).toBe(1);
  expect(values).toEqual([5, 1, 4, 2, 3]);
});
