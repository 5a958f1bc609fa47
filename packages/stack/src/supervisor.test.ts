import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ManagedProcess } from "./managed-process.ts";
import { Supervisor } from "./supervisor.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-supervisor-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const patience = { timeout: 60_000, interval: 20 };

function shell(name: string, script: string): Promise<ManagedProcess> {
  const logFile = join(directory, `${name}.log`);
  return ManagedProcess.start({ name, command: "/bin/sh", args: ["-c", script], logFile });
}

function kept(...children: ManagedProcess[]) {
  return {
    processes: () => children,
    startAgain: ({ options }: ManagedProcess) => ManagedProcess.start(options),
  };
}

/** The pauses before the first `count` new starts of a process that ends at once. */
async function pausesOf(steadyMs: number, count: number): Promise<string[]> {
  const said: string[] = [];
  const ending = new AbortController();
  const stack = kept(await shell("ingest", "exit 1"));
  const pauses = { firstMs: 10, longestMs: 50, steadyMs };
  const ended = new Supervisor(stack, (line) => said.push(line), pauses).run(ending.signal);
  await expect.poll(() => said.length, patience).toBeGreaterThanOrEqual(count);
  ending.abort();
  expect(await ended).toBeUndefined();
  expect(said[0]).toBe(
    `ingest ended with exit code 1; it is started again in 0.01 s (its log: ${join(directory, "ingest.log")})`,
  );
  return said.slice(0, count).map((line) => / in ([\d.]+) s /.exec(line)?.[1] ?? line);
}

test("the pause before a new start doubles up to the longest", async () => {
  expect(await pausesOf(Number.POSITIVE_INFINITY, 5)).toEqual(["0.01", "0.02", "0.04", "0.05", "0.05"]);
});

test("a process that ran for long enough gets the first pause again", async () => {
  expect(await pausesOf(0, 3)).toEqual(["0.01", "0.01", "0.01"]);
});

test("a service with a wrong setting is not started again, and the fault that its log names is told", async () => {
  const said: string[] = [];
  const line = JSON.stringify({ level: "fatal", msg: "SIGHTLINE_X = 5: expected at least 16" });
  const wrong = await shell("results", `echo '${line}'; exit 2`);
  const steady = await shell("ingest", "exec sleep 600");
  const ended = await new Supervisor(kept(steady, wrong), (text) => said.push(text)).run(
    AbortSignal.timeout(60_000),
  );
  await steady.stop();
  expect(ended).toBe(wrong);
  expect((await ended!.failure()).message).toBe("results cannot run: SIGHTLINE_X = 5: expected at least 16");
  expect(said).toEqual([]);
});
