import { expect, test } from "vitest";
import { Backoff } from "./backoff.ts";

function waits(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => {
    backoff.fail();
    return backoff.waitMs;
  });
}

test("doubles from half a second to thirty and stays there", () => {
  const all = waits(new Backoff(0, () => 0.5), 1200);
  expect(all.slice(0, 8)).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  expect(all.at(-1)).toBe(15_000);
});

test("spreads over the whole range from zero", () => {
  expect(waits(new Backoff(0, () => 0), 1)).toEqual([0]);
  expect(waits(new Backoff(0, () => 0.999), 1)[0]).toBeCloseTo(499.5);
});

test("a success starts it over; without a failure there is nothing to wait for", () => {
  const backoff = new Backoff(2, () => 0.5);
  expect(backoff.waitMs).toBe(500);
  expect(waits(backoff, 1)).toEqual([1000]);
  expect(backoff.failures).toBe(3);
  backoff.reset();
  expect(backoff.waitMs).toBe(0);
  expect(waits(backoff, 1)).toEqual([250]);
});
