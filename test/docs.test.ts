import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const guide = readFileSync(join(root, "docs/first-change.md"), "utf8");
const named = [...guide.matchAll(/`([\w./-]+\.(?:tsx?|proto|md))`/g)].map(([, path]) => path!);

test.each(named)("the guide to a first change names %s, which has the field", (path) => {
  expect(existsSync(join(root, path))).toBe(true);
  if (path !== "CHANGELOG.md") expect(readFileSync(join(root, path), "utf8")).toMatch(/video_?track/i);
});
