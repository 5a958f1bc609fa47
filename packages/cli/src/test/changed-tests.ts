import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "@sightline/stack";
import { CliError } from "../errors.ts";

const run = promisify(execFile);

/** Tests that read the text of files anywhere, documents too; they take seconds, so they go with every change. */
const textTests = [
  "packages/cli/src/printed-commands.test.ts",
  "packages/cli/src/reference.test.ts",
  "test/docs.test.ts",
];

/**
 * Filters for the tests of each package that differs from a git revision, uncommitted work and new files included, and of the
 * packages that use it; none when nothing differs. Tests of whole systems use every package and take minutes, so only those that
 * were changed themselves are among them. @throws when git does not know the revision
 */
export async function testsOfChanged(revision: string, root = projectRoot): Promise<string[]> {
  const git = async (...args: string[]) =>
    (await run("git", ["-C", root, ...args])).stdout.split("\n").filter((line) => line !== "");
  try {
    await git("rev-parse", "--verify", "--quiet", `${revision}^{commit}`);
  } catch (cause) {
    throw new CliError("not_found", `git knows no revision '${revision}'`, { cause });
  }
  const files = [
    ...(await git("diff", "--name-only", revision)),
    ...(await git("ls-files", "--others", "--exclude-standard")),
  ];
  if (files.length === 0) return [];
  const ownTests = files.filter((file) => file.endsWith(".test.ts") && existsSync(join(root, file)));
  return [...new Set([...(await packagesUsing(files, root)), ...ownTests, ...textTests])];
}

/** Folders of the packages that hold these files and of those that depend on them, from the root; neither the root nor `test/`. */
async function packagesUsing(files: readonly string[], root: string): Promise<string[]> {
  // pnpm's own filter for changes knows no files that are not in git yet.
  const folders = [...new Set(files.map((file) => packageOf(file, root)))].filter((folder) => folder !== ".");
  if (folders.length === 0) return [];
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const filters = folders.flatMap((folder) => ["--filter", `...{${folder}}`]);
  const args = ["-y", packageManager, ...filters, "list", "--depth", "-1", "--json"];
  const { stdout } = await run("npx", args, { cwd: root });
  // pnpm prints nothing, or words, when no package is chosen.
  const found: { path: string }[] = stdout.trimStart().startsWith("[") ? JSON.parse(stdout) : [];
  return found
    .map(({ path }) => relative(root, path))
    .filter((path) => path !== "" && path !== "test")
    .map((path) => `${path}/`);
}

/** The folder of the package that a file belongs to, from the root; "." for the root's own. */
function packageOf(file: string, root: string): string {
  let folder = dirname(file);
  while (folder !== "." && !existsSync(join(root, folder, "package.json"))) folder = dirname(folder);
  return folder;
}
