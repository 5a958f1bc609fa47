import { expect, it } from "vitest";
import { backoffMs } from "./backoff.ts";

it("waits longer with each attempt, but never longer than ten seconds", () => {
  expect([0, 1, 2, 3].map((attempt) => backoffMs(attempt, 0))).toEqual([500, 1000, 2000, 4000]);
  expect(backoffMs(50, 0)).toBe(10_000);
  expect(backoffMs(0, 1)).toBe(400);
});
