import { expect, test } from "vitest";
import { Backoff } from "./backoff.ts";

test("waits grow to 5 s, are not the same for all, and begin anew after a success", () => {
  const longest = [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000];
  const backoff = new Backoff();
  for (const most of longest) {
    const wait = backoff.next();
    expect(wait).toBeGreaterThanOrEqual(most / 2);
    expect(wait).toBeLessThanOrEqual(most);
  }
  const others = Array.from({ length: 20 }, () => backoff.next());
  expect(new Set(others).size).toBeGreaterThan(1);
  backoff.reset();
  expect(backoff.next()).toBeLessThanOrEqual(100);
});
