import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "@sightline/stack";

const run = promisify(execFile);

/**
 * Filters for the tests of each package that differs from a git revision, uncommitted work included, and of the packages that
 * use it. Tests of whole systems use every package and take minutes, so only those that were changed themselves are among
 * them. @throws when git does not know the revision
 */
export async function testsOfChanged(revision: string, root = projectRoot): Promise<string[]> {
  const git = async (...args: string[]) =>
    (await run("git", ["-C", root, ...args])).stdout.split("\n").filter((line) => line !== "");
  try {
    await git("rev-parse", "--verify", "--quiet", `${revision}^{commit}`);
  } catch (cause) {
    throw new Error(`git knows no revision '${revision}'`, { cause });
  }
  const files = [
    ...(await git("diff", "--name-only", "--diff-filter=d", revision)),
    ...(await git("ls-files", "--others", "--exclude-standard")),
  ];
  const ownTests = files.filter((file) => file.endsWith(".test.ts"));
  return [...new Set([...(await packagesUsing(revision, root)), ...ownTests])];
}

/** Folders of the changed packages and of those that depend on them, from the root; neither the root nor `test/`. */
async function packagesUsing(revision: string, root: string): Promise<string[]> {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const args = ["-y", packageManager, "--filter", `...[${revision}]`, "list", "--depth", "-1", "--json"];
  const { stdout } = await run("npx", args, { cwd: root });
  // pnpm prints nothing, or words, when no package is chosen.
  const found: { path: string }[] = stdout.trimStart().startsWith("[") ? JSON.parse(stdout) : [];
  return found
    .map(({ path }) => relative(root, path))
    .filter((path) => path !== "" && path !== "test")
    .map((path) => `${path}/`);
}
