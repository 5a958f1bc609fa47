import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "@sightline/stack";
import { ResultsProcess } from "@sightline/stack/testing";
import { afterAll, beforeAll } from "vitest";

export { ResultsProcess };

/** Result of a command. */
export interface CommandOutcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

const main = join(projectRoot, "packages/cli/src/main.ts");
const many = join(projectRoot, "packages/cli/src/testing/many-commands-process.ts");

/** Starts `sightline ARGS` as a user's shell would. `stdout` may be an open file. */
export function spawnCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  stdout: "pipe" | number = "pipe",
  cwd?: string,
): ChildProcess {
  return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", stdout, "pipe"],
    cwd,
  });
}

/** Like {@link spawnCommand}, but with a terminal: the pipes are its keyboard and screen. */
export function spawnAtTerminal(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const line = [process.execPath, "--disable-warning=ExperimentalWarning", main, ...args];
  const quoted = line.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  return spawn("script", ["--quiet", "--return", "--command", quoted, "/dev/null"], {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
}

/** Runs `sightline ARGS` to its end. */
export async function runCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd?: string,
): Promise<CommandOutcome> {
  const child = spawnCommand(args, env, "pipe", cwd);
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (data) => (stdout += data));
  child.stderr?.on("data", (data) => (stderr += data));
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

/** Runs several command lines one after another, in one process. */
export async function runCommands(
  commands: readonly (readonly string[])[],
  env: NodeJS.ProcessEnv = {},
): Promise<CommandOutcome[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [many, JSON.stringify(commands)], {
    env: { ...process.env, ...env },
  });
  return JSON.parse(stdout);
}

/** A results service for all tests of a file, from before the first to after the last, and commands that use it. */
export function useResults() {
  let running: ResultsProcess | undefined;
  beforeAll(async () => {
    running = await ResultsProcess.start();
  });
  afterAll(() => running?.stop());
  const results = () => running!;
  const env = () => ({ SIGHTLINE_GRPC: results().address });
  return { results, env, sightline: (...args: string[]) => runCommand(args, env()) };
}
