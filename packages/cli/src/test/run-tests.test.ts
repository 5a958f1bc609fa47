import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "@sightline/stack";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runTests } from "./run-tests.ts";

let folder: string;

beforeEach(async () => {
  // Below the project, so that the files find vitest.
  folder = await mkdtemp(join(projectRoot, "node_modules/.cache/run-tests-"));
  await writeFile(
    join(folder, "vitest.config.ts"),
    `export default { test: { projects: [{ test: { name: "parts", include: ["*.test.ts"] } }] } };`,
  );
});

afterEach(() => rm(folder, { recursive: true }));

const write = (name: string, body: string) =>
  writeFile(
    join(folder, `${name}.test.ts`),
    `import { existsSync, writeFileSync } from "node:fs"; import { expect, test } from "vitest"; ${body}`,
  );

/** What these runs print would read like failures of the run that this test is part of. */
const quiet = async (command: string, args: string[]) =>
  promisify(execFile)(command, args, { cwd: folder }).then(
    () => true,
    () => false,
  );
const run = () => runTests("parts", [], folder, quiet);

test("what fails once and then passes is named as unsteady, and what fails twice is failed", async () => {
  const mark = JSON.stringify(join(folder, "mark"));
  await write("steady", `test("holds", () => {}); test.skip("later", () => {});`);
  await write(
    "shaky",
    `test("waits", () => { const again = existsSync(${mark}); writeFileSync(${mark}, ""); expect(again).toBe(true); }); test("holds", () => {});`,
  );
  const { unsteady, ...counts } = await run();
  expect(counts).toEqual({ passed: 3, failed: 0, skipped: 1 });
  expect(unsteady).toEqual([`${join(folder, "shaky.test.ts")}: waits`]);
  expect(existsSync(join(folder, "mark"))).toBe(true);

  await write("wrong", `test("never holds", () => { expect(1).toBe(2); });`);
  expect(await run()).toEqual({ passed: 3, failed: 1, skipped: 1, unsteady: [] });
});

test("a file that cannot be loaded, an error outside any test, and a run without tests are failures", async () => {
  await write("broken", `throw new Error("cannot be loaded");`);
  expect(await run()).toMatchObject({ passed: 0, failed: 1 });
  await write("broken", `test("holds", () => { void Promise.reject(new Error("nobody waits for this")); });`);
  expect(await run()).toMatchObject({ passed: 1, failed: 1 });
  await rm(join(folder, "broken.test.ts"));
  expect(await run()).toMatchObject({ passed: 0, failed: 1 });
});
