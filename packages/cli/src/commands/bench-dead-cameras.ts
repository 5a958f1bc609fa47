import { Command } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";
import { wholeNumber } from "../number-options.ts";

/** `sightline bench dead-cameras`: what addresses where no camera answers do to those that are live. */
export function benchDeadCamerasCommand(): Command {
  return new Command("dead-cameras")
    .option("--live <n>", "how many real RTSP cameras send a frame a second", wholeNumber(1), 20)
    .option("--dead <n>", "how many addresses are dead", wholeNumber(1), 500)
    .option("--duration <s>", "seconds of each measurement", wholeNumber(1), 60)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("dead-cameras", options));
}
