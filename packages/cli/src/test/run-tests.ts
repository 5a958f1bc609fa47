import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "@sightline/stack";

/** How many tests ended how, and which passed only when they were run again. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** Names of tests, each with its file. */
  unsteady: string[];
}

interface FileResult {
  /** Absolute path. */
  name: string;
  status: string;
  assertionResults: { fullName: string; status: string }[];
}

interface Report {
  /** Whether vitest ended with exit code 0. */
  ok: boolean;
  files: Map<string, FileResult>;
}

/** When more files than this fail, something is broken: a second run would only cost time. */
const againLimit = 5;

const environment = () => ({
  ...process.env,
  PATH: `${join(projectRoot, "node_modules", "node", "bin")}:${join(projectRoot, "node_modules", ".bin")}:${process.env.PATH}`,
});

/** Runs a command of the project on its own Node.js; what it prints goes to standard error. */
export async function runTool(command: string, args: string[], cwd = projectRoot): Promise<boolean> {
  const child = spawn(command, args, { cwd, stdio: ["ignore", 2, 2], env: environment() });
  const [code] = await once(child, "exit");
  return code === 0;
}

/** As `runTool`, for what runs beside others: what it prints comes back whole, so that it does not mix with theirs. */
export async function runQuietly(
  command: string,
  args: string[],
  cwd = projectRoot,
): Promise<{ ok: boolean; output: string }> {
  const options = { cwd, env: environment(), maxBuffer: 64 * 1024 ** 2 };
  return promisify(execFile)(command, args, options).then(
    ({ stdout, stderr }) => ({ ok: true, output: stdout + stderr }),
    ({ message, stdout = "", stderr = "" }) => ({ ok: false, output: `${stdout}${stderr}${message}\n` }),
  );
}

/**
 * Runs the tests of one vitest project. A file with a failure is run once more, alone: what passes then is told as unsteady, for
 * somebody to look at, and does not count as failed. A run that reports no test counts as a failure.
 */
export async function runTests(
  project: string,
  filters: string[],
  root = projectRoot,
  run = runTool,
): Promise<Tally> {
  try {
    const first = await runVitest(project, filters, root, run);
    const broken = [...first.files.values()].filter(({ status }) => status === "failed");
    if (broken.length === 0 || broken.length > againLimit) return tallyOf(first, first);
    const names = broken.map(({ name }) => relative(root, name));
    console.error(`run again, alone: ${names.join(", ")}`);
    const second = await runVitest(project, [...names, "--no-file-parallelism"], root, run);
    // A filter takes every path that contains it.
    const files = new Map([...second.files].filter(([name]) => broken.some((file) => file.name === name)));
    return tallyOf(first, { ok: second.ok, files: new Map([...first.files, ...files]) });
  } catch (error) {
    console.error(`no report from the ${project} tests: ${(error as Error).message}`);
    return { passed: 0, failed: 1, skipped: 0, unsteady: [] };
  }
}

async function runVitest(
  project: string,
  words: string[],
  root: string,
  run: typeof runTool,
): Promise<Report> {
  const directory = mkdtempSync(join(tmpdir(), "sightline-test-"));
  const report = join(directory, "report.json");
  const vitest = join(projectRoot, "node_modules/vitest/vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  try {
    const args = [vitest, "run", "--project", project, ...reporters, ...words];
    const ok = await run(process.execPath, args, root);
    const { testResults } = JSON.parse(readFileSync(report, "utf8")) as { testResults: FileResult[] };
    return { ok, files: new Map(testResults.map((file) => [file.name, file])) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What the last run of each file says; `first` tells which of its tests failed at first. */
function tallyOf(first: Report, last: Report): Tally {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0, unsteady: [] };
  for (const [name, { status, assertionResults }] of last.files) {
    const before = first.files.get(name)?.assertionResults ?? [];
    const failedBefore = new Set(
      before.filter((test) => test.status === "failed").map((test) => test.fullName),
    );
    for (const test of assertionResults)
      if (test.status === "passed") {
        tally.passed++;
        if (failedBefore.has(test.fullName)) tally.unsteady.push(`${name}: ${test.fullName}`);
      } else if (test.status === "failed") tally.failed++;
      else tally.skipped++;
    // A file that cannot be loaded fails without failing a test.
    if (status === "failed" && !assertionResults.some((test) => test.status === "failed")) tally.failed++;
  }
  // An error outside any test fails the run, and no file of it.
  if (!last.ok && tally.failed === 0) tally.failed = 1;
  return tally;
}
