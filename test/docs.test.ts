import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const guide = readFileSync(join(root, "docs/first-change.md"), "utf8");
const [ofOneField = "", rest = ""] = guide.split("## What else");
const namedIn = (text: string) =>
  [...text.matchAll(/`([\w./-]+\.(?:tsx?|proto|md))`/g)].map(([, path]) => path!);

test.each(namedIn(ofOneField))("the guide to a first change names %s, which is about the field", (path) => {
  expect(readFileSync(join(root, path), "utf8")).toMatch(/video_?track/i);
});

test.each(namedIn(rest))("the guide to a first change names %s, which is there", (path) => {
  expect(existsSync(join(root, path))).toBe(true);
});

test("docs/architecture.md follows a frame through files that exist, each once", () => {
  const way = readFileSync(join(root, "docs/architecture.md"), "utf8");
  const files = [...way.matchAll(/^\| \d \| `([\w./-]+\.ts)` \|/gm)].map(([, path]) => path!);
  expect(files.length).toBeGreaterThan(30);
  expect(files.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  expect(new Set(files).size).toBe(files.length);
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

test("what CONTRIBUTING says that packages may import is what dependency-cruiser holds", () => {
  const table = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
  const rows = [...table.matchAll(/^\| `packages\/([\w-]+)` \|.*\| ([^|]+) \|$/gm)];
  expect(rows.map(([, name]) => name).sort()).toEqual(readdirSync(join(root, "packages")).sort());
  const { forbidden } = createRequire(import.meta.url)("../.dependency-cruiser.cjs") as {
    forbidden: { from: { path?: string }; to: { path?: string; pathNot?: string } }[];
  };
  for (const [, name, others] of rows) {
    const rule = forbidden.find(
      ({ from, to }) => from.path === `^packages/${name}/` && to.path === "^packages/",
    );
    const held = /\(([\w|-]+)\)/.exec(rule?.to.pathNot ?? "")?.[1]?.split("|");
    // The command line may import all of them, so no rule is about it.
    const said = others === "packages" ? undefined : others === "nothing of ours" ? [] : others!.split(", ");
    expect({ name, held }).toEqual({ name, held: said && [name, ...said] });
  }
});
