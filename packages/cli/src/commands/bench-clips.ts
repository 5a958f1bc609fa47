import { Command } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";
import { wholeNumber } from "../number-options.ts";

/** `sightline bench clips`: whether the clips of many events hold their moments. */
export function benchClipsCommand(): Command {
  return new Command("clips")
    .option("--cameras <n>", "how many cameras are recorded at once", wholeNumber(1), 16)
    .option("--events <n>", "how many events' clips are looked at", wholeNumber(1), 1000)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("clips", options));
}
