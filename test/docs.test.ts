import { execFileSync } from "node:child_process";
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

test("percentages are written in one form, such as 10%", () => {
  const files = execFileSync("git", ["ls-files", "*.ts", "*.tsx", "*.md"], { cwd: root, encoding: "utf8" });
  const apart = /(?:\d|\}|\w\))(?:[ \u00a0]|\$\{unitSpace\})%(?! ?[\w(=])/;
  const odd = files
    .trim()
    .split("\n")
    .filter((file) => file !== "test/docs.test.ts" && existsSync(join(root, file)))
    .flatMap((file) =>
      readFileSync(join(root, file), "utf8")
        .split("\n")
        .flatMap((line, at) => (apart.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
    );
  expect(odd).toEqual([]);
});
