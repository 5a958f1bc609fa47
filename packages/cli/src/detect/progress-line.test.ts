import { expect, test } from "vitest";
import { summaryOf } from "./progress-line.ts";

test("the summary says how much was done in how long, also when it was nothing", () => {
  expect(summaryOf(0, 4)).toBe("0 frames in 4 s");
  expect(summaryOf(1, 2)).toBe("1 frame in 2 s, 0.5 frames/s");
  expect(summaryOf(200, 77)).toBe("200 frames in 1 min 17 s, 2.6 frames/s");
});
