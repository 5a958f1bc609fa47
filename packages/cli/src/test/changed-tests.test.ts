import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testsOfChanged } from "./changed-tests.ts";

const root = mkdtempSync(join(tmpdir(), "sightline-changed-"));

function write(file: string, content: string | object): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), typeof content === "string" ? content : JSON.stringify(content));
}

beforeAll(() => {
  const git = (...args: string[]) => execFileSync("git", ["-C", root, ...args]);
  write("pnpm-workspace.yaml", "packages: [packages/*, test, test/client]\n");
  write("package.json", { name: "root", private: true, packageManager: "pnpm@10.34.8" });
  write("packages/used/package.json", { name: "used", version: "1.0.0" });
  write("packages/user/package.json", {
    name: "user",
    version: "1.0.0",
    dependencies: { used: "workspace:*" },
  });
  write("packages/other/old.ts", "export {};\n");
  write("packages/other/package.json", { name: "other", version: "1.0.0" });
  write("test/package.json", { name: "test", version: "1.0.0", dependencies: { user: "workspace:*" } });
  write("test/client/package.json", {
    name: "client",
    version: "1.0.0",
    dependencies: { used: "workspace:*" },
  });
  git("init", "-q");
  git("add", ".");
  git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first");
});
afterAll(() => rmSync(root, { recursive: true }));

test("the tests of a changed package, of those that use it, and changed tests of whole systems are chosen", async () => {
  expect(await testsOfChanged("HEAD", root)).toEqual([]);
  write("packages/used/source.ts", "export {};\n");
  write("test/system/new.test.ts", "export {};\n");
  expect((await testsOfChanged("HEAD", root)).sort()).toEqual([
    "packages/cli/src/printed-commands.test.ts",
    "packages/cli/src/reference.test.ts",
    "packages/used/",
    "packages/user/",
    "test/client/",
    "test/docs.test.ts",
    "test/system/new.test.ts",
  ]);
});

test("a package of which a file was removed has changed too", async () => {
  rmSync(join(root, "packages/other/old.ts"));
  expect(await testsOfChanged("HEAD", root)).toContain("packages/other/");
});

test("a revision that there is not: an error that says so", async () => {
  await expect(testsOfChanged("nonsense", root)).rejects.toThrow("git knows no revision 'nonsense'");
});
