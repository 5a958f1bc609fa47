/**
 * Runs many command lines one after another in one process, since starting a process takes longer than most commands. Takes them as a
 * JSON array of arrays, and prints the results as one JSON array.
 */
import { runCli } from "../cli.ts";
import type { CommandOutcome } from "./command-line.ts";

// Each command listens to signals and to standard output, as it would alone.
process.setMaxListeners(0);
process.stdout.setMaxListeners(0);
const { stdout, stderr } = process;
const write = { stdout: stdout.write.bind(stdout), stderr: stderr.write.bind(stderr) };
const outcomes: CommandOutcome[] = [];
for (const args of JSON.parse(process.argv[2] ?? "[]")) {
  const outcome: CommandOutcome = { code: null, stdout: "", stderr: "" };
  const collect = (stream: "stdout" | "stderr") => (text: string | Uint8Array) => {
    outcome[stream] += text;
    return true;
  };
  stdout.write = collect("stdout");
  stderr.write = collect("stderr");
  process.exitCode = undefined;
  outcome.code = await runCli(args);
  outcomes.push(outcome);
}
Object.assign(stdout, { write: write.stdout });
Object.assign(stderr, { write: write.stderr });
process.exitCode = 0;
console.log(JSON.stringify(outcomes));
