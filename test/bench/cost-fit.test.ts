import { expect, test } from "vitest";
import { camerasPerCore, fitCosts } from "./cost-fit.ts";

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
