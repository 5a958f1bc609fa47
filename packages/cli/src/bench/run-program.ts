import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";

/**
 * Runs a measurement that needs the whole system (`test/bench/NAME.ts`) in a process of its own, since it is no part of
 * the product; its exit code becomes this process's.
 */
export function runBenchProgram(name: string, args: readonly string[]): Promise<void> {
  return runTestProgram(`bench/${name}.ts`, args);
}

/** As `runBenchProgram`, for any program in the folder `test`. */
export async function runTestProgram(path: string, args: readonly string[]): Promise<void> {
  const program = join(projectRoot, "test", path);
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, ...args], {
    cwd: projectRoot,
    stdio: "inherit",
  });
  const [code] = await once(child, "exit");
  process.exitCode = code ?? 1;
}
