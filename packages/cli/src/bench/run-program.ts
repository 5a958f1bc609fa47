import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";

/** A command's options as commander gives them, by names of one word each. */
export type ProgramOptions = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Runs a measurement that needs the whole system (`test/bench/NAME.ts`) in a process of its own, since it is no part of
 * the product; its exit code becomes this process's. It is given the options as they are.
 */
export function runBenchProgram(name: string, options: ProgramOptions): Promise<void> {
  return runTestProgram(`bench/${name}.ts`, options);
}

/** As `runBenchProgram`, for any program in the folder `test`. */
export async function runTestProgram(path: string, options: ProgramOptions): Promise<void> {
  const program = join(projectRoot, "test", path);
  const args = programArguments(options);
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, ...args], {
    cwd: projectRoot,
    stdio: "inherit",
  });
  const [code] = await once(child, "exit");
  process.exitCode = code ?? 1;
}

/** Options as words of a command line; a switch is there or not. */
function programArguments(options: ProgramOptions): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    return value === true ? [`--${name}`] : [`--${name}`, String(value)];
  });
}
