import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import { expect, test } from "vitest";
import { longestFirst, slowFiles } from "./test-order.ts";

test("the longest come first, and files of which no time is kept last, by name", () => {
  expect(longestFirst(["d", "short", "c", "long"], { long: 60, short: 20 })).toEqual([
    "long",
    "short",
    "c",
    "d",
  ]);
});

test("a time is kept only of files that there are", () => {
  expect(Object.keys(slowFiles).filter((file) => !existsSync(join(projectRoot, file)))).toEqual([]);
});
