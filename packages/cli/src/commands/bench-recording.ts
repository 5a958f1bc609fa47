import { Command } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";
import { wholeNumber } from "../number-options.ts";

/** `sightline bench recording`: what recording costs, and a picture in the camera's resolution. */
export function benchRecordingCommand(): Command {
  return new Command("recording")
    .option("--cameras <n>", "how many cameras of 1080p30 are recorded at once", wholeNumber(1), 16)
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 10)
    .option("--rounds <n>", "how often it is measured", wholeNumber(1), 3)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("recording", options));
}
