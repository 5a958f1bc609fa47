import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import { Command } from "commander";
import { testsOfChanged } from "../test/changed-tests.ts";

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

const bin = (name: string) => join(projectRoot, "node_modules", ".bin", name);

/** What is checked besides the tests; each counts as one. */
const checks: { name: string; command: string; args: string[]; cwd?: string }[] = [
  { name: "lint and format", command: bin("biome"), args: ["ci", "--reporter=summary", "."] },
  { name: "types", command: bin("tsc"), args: ["-p", "tsconfig.json"] },
  { name: "types of the console", command: bin("tsc"), args: ["-p", "apps/console/tsconfig.json"] },
  { name: "architecture", command: bin("depcruise"), args: ["packages", "services", "apps", "test"] },
  { name: "protobuf lint", command: bin("buf"), args: ["lint"], cwd: "packages/contracts" },
];

async function run(command: string, args: string[], cwd = projectRoot): Promise<boolean> {
  const path = `${join(projectRoot, "node_modules", "node", "bin")}:${join(projectRoot, "node_modules", ".bin")}:${process.env.PATH}`;
  const child = spawn(command, args, { cwd, stdio: ["ignore", 2, 2], env: { ...process.env, PATH: path } });
  const [code] = await once(child, "exit");
  return code === 0;
}

/** Runs vitest on one project and reads its JSON report; a run that reports no test counts as a failure. */
async function runTests(project: string, filters: string[]): Promise<Tally> {
  const directory = mkdtempSync(join(tmpdir(), "sightline-test-"));
  const report = join(directory, "report.json");
  const args = [
    "run",
    "--project",
    project,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ];
  try {
    const ok = await run(process.execPath, [
      join(projectRoot, "node_modules/vitest/vitest.mjs"),
      ...args,
      ...filters,
    ]);
    const result = JSON.parse(readFileSync(report, "utf8"));
    const tally = {
      passed: result.numPassedTests,
      failed: result.numFailedTests,
      skipped: result.numPendingTests + result.numTodoTests,
    };
    // A file that cannot be loaded, or an error outside any test, fails the run without failing a test.
    if (!ok && tally.failed === 0) tally.failed = 1;
    return tally;
  } catch (error) {
    console.error(`no report from the ${project} tests: ${(error as Error).message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** `sightline test`: every check and test, one tally as the last line. */
export function testCommand(): Command {
  return new Command("test")
    .description("run lint, type-check, architecture rules and every test")
    .option("--no-checks", "run the tests only")
    .option(
      "--changed [revision]",
      "only tests of packages that differ from a revision (HEAD unless given), and of those that use them",
    )
    .argument("[filters...]", "only test files whose path contains one of these")
    .action(async (words: string[], options: { checks: boolean; changed?: string | true }) => {
      const { changed } = options;
      if (changed && words.length > 0)
        throw new Error("--changed chooses the tests itself: give either it or words");
      const filters = changed ? await testsOfChanged(changed === true ? "HEAD" : changed) : words;
      if (changed && filters.length === 0) return console.log("nothing has changed");
      const total: Tally = { passed: 0, failed: 0, skipped: 0 };
      if (options.checks && words.length === 0)
        for (const check of checks) {
          const ok = await run(check.command, check.args, join(projectRoot, check.cwd ?? "."));
          console.error(`${ok ? "✓" : "✗"} ${check.name}`);
          total[ok ? "passed" : "failed"]++;
        }
      for (const project of ["parts", "system"]) {
        const tally = await runTests(project, filters.length > 0 ? ["--passWithNoTests", ...filters] : []);
        total.passed += tally.passed;
        total.failed += tally.failed;
        total.skipped += tally.skipped;
      }
      if (total.passed + total.failed === 0) {
        console.error("no test was run");
        total.failed = 1;
      }
      const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
      console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
      process.exitCode = total.failed > 0 ? 1 : 0;
    });
}
