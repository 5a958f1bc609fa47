import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import { expect, test } from "vitest";
import { mixedLongestFirst, slowFiles } from "./test-order.ts";

test("the longest come first, and each group is as far as the other", () => {
  const seconds = { a60: 60, a30: 30, a10: 10, b6: 6, b3: 3, b1: 1 };
  expect(
    mixedLongestFirst(
      [
        ["a10", "a60", "a30"],
        ["b1", "b3", "b6"],
      ],
      seconds,
    ),
  ).toEqual(["a60", "b6", "a30", "b3", "a10", "b1"]);
});

test("files of which no time is kept come last, by name", () => {
  expect(mixedLongestFirst([["d", "c", "slow"]], { slow: 20 })).toEqual(["slow", "c", "d"]);
});

test("a time is kept only of files that there are", () => {
  expect(Object.keys(slowFiles).filter((file) => !existsSync(join(projectRoot, file)))).toEqual([]);
});
