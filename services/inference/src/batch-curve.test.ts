import { expect, test } from "vitest";
import { batchGoals, chooseBatchSize, curveSizes, mayGrow, soonestBatch } from "./batch-curve.ts";

const curve = (...points: [number, number][]) =>
  points.map(([batch, milliseconds]) => ({ batch, milliseconds, fastest: milliseconds }));

test("measures powers of two and the largest", () => {
  expect(curveSizes(1)).toEqual([1]);
  expect(curveSizes(8)).toEqual([1, 2, 4, 8]);
  expect(curveSizes(12)).toEqual([1, 2, 4, 8, 12]);
});

test.each([
  ["batching gains nothing, as on a CPU", curve([1, 50], [2, 100], [4, 205], [8, 420]), 1],
  ["batching gains less than is worth its latency", curve([1, 50], [2, 98], [4, 192]), 1],
  ["batching gains, as on a GPU", curve([1, 5], [2, 6], [4, 8], [8, 14]), 8],
  ["gains end before the largest", curve([1, 5], [2, 6], [4, 8], [8, 15.9]), 4],
])("%s", (_, points, chosen) => {
  expect(chooseBatchSize(points, "balanced")).toBe(chosen);
});

test("a size whose runs were disturbed is judged by the fastest of them", () => {
  const points = curve([1, 50], [2, 100]).map((point) => ({
    ...point,
    milliseconds: point.milliseconds / point.batch,
  }));
  expect(chooseBatchSize(points, "balanced")).toBe(1);
});

test.each([
  ["a CPU without VNNI", curve([1, 26], [2, 43], [4, 72], [8, 141]), [1, 4, 8]],
  ["a GPU", curve([1, 5], [2, 6], [4, 8], [8, 14]), [4, 8, 8]],
  ["a CPU where batching gains nothing", curve([1, 50], [2, 101], [4, 205], [8, 420]), [1, 1, 1]],
])("weighs throughput against latency as asked: %s", (_, points, chosen) => {
  expect(batchGoals.map((goal) => chooseBatchSize(points, goal))).toEqual(chosen);
});

test("larger sizes are measured as long as the last one brought something", () => {
  expect(mayGrow([])).toBe(true);
  expect(mayGrow(curve([1, 50]))).toBe(true);
  expect(mayGrow(curve([1, 50], [2, 97]))).toBe(true);
  expect(mayGrow(curve([1, 50], [2, 100]))).toBe(false);
  expect(mayGrow(curve([1, 5], [2, 6], [4, 8], [8, 16]))).toBe(false);
});

test("knows up to which size a batch has its frames done sooner than one after the other", () => {
  expect(soonestBatch(curve([1, 5], [2, 6], [4, 8], [8, 14]), 8)).toBe(8);
  expect(soonestBatch(curve([1, 5], [2, 6], [4, 8], [8, 14]), 4)).toBe(4);
  expect(soonestBatch(curve([1, 26], [2, 43], [4, 72]), 4)).toBe(1);
});
