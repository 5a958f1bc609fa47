import { expect, test } from "vitest";
import { TokenTiming } from "./token-timing.ts";

/** After frames this far apart, whether a token that was so long on its way lets the next be offered early. */
function early(intervals: number[], waitMs: number): boolean {
  const timing = new TokenTiming();
  let now = 0;
  timing.arrived(now);
  for (const interval of intervals) {
    now += interval;
    timing.arrived(now);
  }
  return timing.isLong(waitMs);
}

test("a token goes ahead of its frame only where tokens wait longer than frames take to come", () => {
  expect(early([200, 200], 400)).toBe(true);
  expect(early([200, 200], 20)).toBe(false);
  expect(early([200, 200], 250)).toBe(false);
  // It is not known yet how often frames come.
  expect(early([], 60_000)).toBe(false);
  // A camera that was silent for a while may be so again; it is trusted again when frames have come for a time.
  expect(early([200, 3_000, 200], 400)).toBe(false);
  expect(early([200, 3_000, ...Array<number>(30).fill(200)], 400)).toBe(true);
});
