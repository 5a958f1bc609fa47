import { Command } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";
import { wholeNumber } from "../number-options.ts";

/** `sightline bench admission`: what cameras with weights and floors get of workers that cannot do all. */
export function benchAdmissionCommand(): Command {
  return new Command("admission")
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 30)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("admission", options));
}
