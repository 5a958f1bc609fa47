import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take about 5 s or more, by their path from the root, with the seconds that they took. */
export const slowFiles: Readonly<Record<string, number>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "slow-files.json"), "utf8"),
);

/** The order in which test files begin: the longest first, and those of which no time is kept last, by name. */
export function longestFirst(files: readonly string[], seconds = slowFiles): string[] {
  const timeOf = (file: string) => seconds[file] ?? 0;
  return files.toSorted((a, b) => timeOf(b) - timeOf(a) || (a < b ? -1 : 1));
}

/** Begins the slow files first, so that no long one is left at the end while processors idle. */
export class TestOrder extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const pathOf = ({ moduleId }: TestSpecification) => relative(this.ctx.config.root, moduleId);
    const byProject = Map.groupBy(specifications, ({ project }) => project.name);
    return [...byProject.values()].flatMap((own) => {
      const byFile = new Map(own.map((specification) => [pathOf(specification), specification]));
      return longestFirst([...byFile.keys()]).map((file) => byFile.get(file)!);
    });
  }
}
