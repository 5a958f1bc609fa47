import { Command } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";
import { wholeNumber } from "../number-options.ts";

/** `sightline bench scale`: what a camera and a frame cost in each process, and how many a core carries. */
export function benchScaleCommand(): Command {
  return new Command("scale")
    .option("--seconds <n>", "length of each measurement", wholeNumber(1), 10)
    .option("--smoke", "one small measurement, without the costs that all together tell", false)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("scale", options));
}
