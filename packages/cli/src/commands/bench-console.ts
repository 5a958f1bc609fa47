import { Command } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";
import { wholeNumber } from "../number-options.ts";

/** `sightline bench console`: how smooth the wall is, how soon it shows, and how much is loaded. */
export function benchConsoleCommand(): Command {
  return new Command("console")
    .option("--cameras <n>", "how many real RTSP cameras are on the wall", wholeNumber(1), 64)
    .option("--fps <r>", "frames per second that each of them sends", wholeNumber(1), 1)
    .option("--duration <s>", "seconds of measurement", wholeNumber(1), 10)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("console", options));
}
