import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import { expect, test } from "vitest";

/** Names that several files may export, and why. */
const shared: ReadonlySet<string> = new Set([
  // Each service's config.ts has the settings of that service.
  "settings",
]);

const declared =
  /^export (?:declare |abstract |async )*(?:class|interface|type|function\*?|const|let) ([\w$]+)/gm;

test("what packages and services export has one meaning for each name", () => {
  const places = new Map<string, string[]>();
  // The console's parts are named for what they show, often as what they are made of.
  for (const file of globSync("{packages,services}/*/src/**/*.ts", { cwd: projectRoot }).filter(isOurs))
    for (const [, name] of readFileSync(join(projectRoot, file), "utf8").matchAll(declared))
      places.set(name!, [...new Set([...(places.get(name!) ?? []), file])]);
  const several = [...places].filter(([name, files]) => files.length > 1 && !shared.has(name));
  expect(several).toEqual([]);
});

function isOurs(file: string): boolean {
  return !file.includes("/gen/") && !file.endsWith(".test.ts");
}
