import { expect, test } from "vitest";
import { Backoff } from "./backoff.ts";

const range = { firstMs: 500, mostMs: 30_000 };

test("a wait doubles from the first to the most and stays there", () => {
  const backoff = new Backoff(range, { random: () => 0.5 });
  const waits = Array.from({ length: 1200 }, () => backoff.fail());
  expect(waits.slice(0, 8)).toEqual([375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500]);
  expect(waits.at(-1)).toBe(22_500);
});

test("those who failed together wait between half and all of it", () => {
  expect(new Backoff(range, { random: () => 0 }).fail()).toBe(250);
  expect(new Backoff(range, { random: () => 0.999 }).fail()).toBeCloseTo(499.75);
  const waits = Array.from({ length: 20 }, () => new Backoff(range).fail());
  expect(new Set(waits).size).toBeGreaterThan(1);
});

test("a success starts it over; without a failure there is nothing to wait for", () => {
  const backoff = new Backoff(range, { failures: 2, random: () => 0.5 });
  expect(backoff.waitMs).toBe(750);
  expect(backoff.fail()).toBe(1500);
  expect(backoff).toMatchObject({ failures: 3, waitMs: 1500 });
  backoff.reset();
  expect(backoff).toMatchObject({ failures: 0, waitMs: 0 });
  expect(backoff.fail()).toBe(375);
});
