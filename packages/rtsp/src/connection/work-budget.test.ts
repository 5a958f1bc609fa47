import { expect, test } from "vitest";
import { WorkBudget } from "./work-budget.ts";

test("a camera takes a fifth of the time at most, beyond a burst", () => {
  let now = 0;
  const budget = new WorkBudget(() => now);
  const work = (ms: number, bytes = 0) =>
    budget.spend(bytes, () => {
      now += ms;
    });
  expect(work(200)).toBe(0);
  expect(work(60)).toBeCloseTo(50);
  let worked = 0;
  for (const end = now + 10_000; now < end; worked += 5) now += work(5);
  expect(worked / 10_000).toBeCloseTo(1 / 6, 2);
  // What is not used is saved for a burst, and no longer.
  now += 3_600_000;
  expect(work(250)).toBe(0);
  expect(work(10)).toBeGreaterThan(0);
  now += 3_600_000;
  // Bytes cost time before they are here.
  for (let sent = 0; sent < 60e6; sent += 1e6) expect(work(0, 1e6)).toBe(0);
  expect(work(0, 5e6)).toBeGreaterThan(0);
});
