import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import { Command } from "commander";
import { CliError } from "../errors.ts";
import { testsOfChanged } from "../test/changed-tests.ts";
import { runQuietly, runTests, type Tally } from "../test/run-tests.ts";

const bin = (name: string) => join(projectRoot, "node_modules", ".bin", name);

/** What is checked besides the tests; each counts as one. */
const checks: { name: string; command: string; args: string[]; cwd?: string }[] = [
  { name: "lint and format", command: bin("biome"), args: ["ci", "--reporter=summary", "."] },
  { name: "types", command: bin("tsc"), args: ["-p", "tsconfig.json"] },
  { name: "types of the console", command: bin("tsc"), args: ["-p", "apps/console/tsconfig.json"] },
  {
    name: "architecture",
    command: bin("depcruise"),
    args: ["packages", "services", "apps", "test", "examples"],
  },
  { name: "protobuf lint", command: bin("buf"), args: ["lint"], cwd: "packages/contracts" },
];

/** Runs all checks at the same time, which takes as long as the slowest; returns which ones pass. */
function runChecks(): Promise<boolean[]> {
  return Promise.all(
    checks.map(async ({ name, command, args, cwd }) => {
      const { ok, output } = await runQuietly(command, args, join(projectRoot, cwd ?? "."));
      console.error(ok ? `✓ ${name}` : `${output}✗ ${name}`);
      return ok;
    }),
  );
}

/** `sightline test`: every check and test, with a tally as the last line. */
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
        throw new CliError("usage", "--changed chooses the tests itself: give either it or words");
      const filters = changed ? await testsOfChanged(changed === true ? "HEAD" : changed) : words;
      if (changed && filters.length === 0) return console.log("nothing has changed");
      const total: Tally = { passed: 0, failed: 0, skipped: 0, unsteady: [] };
      if (options.checks && words.length === 0)
        for (const ok of await runChecks()) total[ok ? "passed" : "failed"]++;
      for (const project of ["parts", "system"]) {
        const tally = await runTests(project, filters.length > 0 ? ["--passWithNoTests", ...filters] : []);
        total.passed += tally.passed;
        total.failed += tally.failed;
        total.skipped += tally.skipped;
        total.unsteady.push(...tally.unsteady);
      }
      if (total.passed + total.failed === 0) {
        console.error("no test was run");
        total.failed = 1;
      }
      for (const name of total.unsteady) console.error(`passed only when it was run again: ${name}`);
      const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
      const again = total.unsteady.length > 0 ? `, ${total.unsteady.length} only when run again` : "";
      console.log(`${total.passed} passed, ${total.failed} failed${skipped}${again}`);
      process.exitCode = total.failed > 0 ? 1 : 0;
    });
}
