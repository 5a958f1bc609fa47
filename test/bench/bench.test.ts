import { fromTimestamp } from "@sightline/contracts";
import { SubscribeDetectionsResponse } from "@sightline/contracts/api";
import { expect, test } from "vitest";
import { benchFrame, peekFrame } from "./bench-frame.ts";
import { camerasPerCore, fitCosts } from "./cost-fit.ts";
import { jain, median, quantile } from "./measure.ts";

const work = [
  { process: 1, camera: 1, frame: 10 },
  { process: 1, camera: 8, frame: 10 },
  { process: 1, camera: 8, frame: 80 },
  { process: 1, camera: 20, frame: 20 },
];

test("costs that made the samples are found again", () => {
  const samples = work.map((each) => ({ work: each, cost: 20 + 2 * each.camera + 1.5 * each.frame }));
  const { costs, error } = fitCosts(samples, ["process", "camera", "frame"]);
  expect(costs.process).toBeCloseTo(20);
  expect(costs.camera).toBeCloseTo(2);
  expect(costs.frame).toBeCloseTo(1.5);
  expect(error).toBeCloseTo(0);
});

test("no cost is negative: what a fit without this bound would take off is left to the others", () => {
  const samples = work.map((each) => ({ work: each, cost: 2 * each.frame - 0.5 * each.camera }));
  const { costs, error } = fitCosts(samples, ["process", "camera", "frame"]);
  expect(Object.values(costs).every((cost) => cost >= 0)).toBe(true);
  expect(costs.camera).toBe(0);
  expect(error).toBeGreaterThan(0);
});

test("kinds of work that never differ are not told apart, and do not spoil the rest", () => {
  const samples = work.map((each) => ({ work: { ...each, twin: each.frame }, cost: 3 * each.frame }));
  const { costs } = fitCosts(samples, ["frame", "twin"]);
  expect(costs.frame! + costs.twin!).toBeCloseTo(3);
});

test("fewer samples than costs are refused", () => {
  expect(() => fitCosts([{ cost: 1, work: { camera: 1 } }], ["camera", "frame"])).toThrow(
    "1 samples do not tell 2 costs apart",
  );
});

test("a core carries what 70% of it has room for beside the process itself", () => {
  expect(camerasPerCore({ process: 20, camera: 1.8, frame: 1 }, { camera: 1, frame: 5 })).toBe(100);
  expect(camerasPerCore({ process: 900, camera: 1 }, { camera: 1 })).toBe(0);
});

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

test("number and capture time of a frame are those that a decoder reads", () => {
  for (const number of [1, 2, 127, 128, 300_000]) {
    const value = benchFrame(number);
    const message = SubscribeDetectionsResponse.encode({
      event: { $case: "frame", value },
      cursor: "c",
    }).finish();
    const peeked = peekFrame(message);
    expect(peeked?.number).toBe(number);
    expect(peeked?.capturedAt).toBeCloseTo(fromTimestamp(value.frame!.captureTime!), 3);
  }
});

test("what is no frame has none", () => {
  const event = { $case: "skipped" as const, value: { count: 3 } };
  expect(peekFrame(SubscribeDetectionsResponse.encode({ event, cursor: "" }).finish())).toBeUndefined();
});
