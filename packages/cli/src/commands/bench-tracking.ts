import { Command } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";

/** `sightline bench tracking`: tracker metrics on scenes with exact truth, and what tracking and rules cost a frame. */
export function benchTrackingCommand(): Command {
  return new Command("tracking")
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("tracking", options));
}
