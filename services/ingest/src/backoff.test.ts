import { expect, test } from "vitest";
import { Backoff } from "./backoff.ts";

test("doubles from half a second to thirty and stays there", () => {
  const backoff = new Backoff(() => 0.5);
  const waits = Array.from({ length: 1200 }, () => backoff.next());
  expect(waits.slice(0, 8)).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  expect(waits.at(-1)).toBe(15_000);
});

test("spreads over the whole range from zero", () => {
  expect(new Backoff(() => 0).next()).toBe(0);
  const backoff = new Backoff(() => 0.999);
  expect(backoff.next()).toBeCloseTo(499.5);
});

test("a success starts it over", () => {
  const backoff = new Backoff(() => 0.5);
  backoff.next();
  backoff.next();
  backoff.reset();
  expect(backoff.next()).toBe(250);
});
