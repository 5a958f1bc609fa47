import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take about 5 s or more, by their path from the root, with the seconds that they took on a calm machine. */
export const slowFiles: Readonly<Record<string, number>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "slow-files.json"), "utf8"),
);

/** What the mean of the other files takes. */
const otherSeconds = 1.5;

/**
 * The order in which test files begin. In each group the slow files come first, so that no long one is left at the end with idle
 * processors. The groups are mixed so that each is as far as the others at any time: files that wait run beside files that compute.
 * @param groups of paths from the root @returns all of them
 */
export function mixedLongestFirst(groups: readonly (readonly string[])[], seconds = slowFiles): string[] {
  const timeOf = (file: string) => seconds[file] ?? otherSeconds;
  const placed = groups.flatMap((files) => {
    const total = files.reduce((sum, file) => sum + timeOf(file), 0);
    let before = 0;
    return files
      .toSorted((a, b) => timeOf(b) - timeOf(a) || (a < b ? -1 : 1))
      .map((file) => {
        const begin = before / total;
        before += timeOf(file);
        return { file, begin };
      });
  });
  return placed.sort((a, b) => a.begin - b.begin).map(({ file }) => file);
}

/** Vitest's own order runs one project after the other. */
export class TestOrder extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const byFile = new Map(
      specifications.map((specification) => [
        relative(this.ctx.config.root, specification.moduleId),
        specification,
      ]),
    );
    const groups = Map.groupBy(byFile.keys(), (file) => byFile.get(file)!.project.name);
    return mixedLongestFirst([...groups.values()]).map((file) => byFile.get(file)!);
  }
}
