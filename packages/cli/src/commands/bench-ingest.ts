import { Command } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";
import { wholeNumber } from "../number-options.ts";

/** `sightline bench ingest`: ingest's processor time against that of bare ffmpegs. */
export function benchIngestCommand(): Command {
  return new Command("ingest")
    .option("--cameras <n>", "how many real RTSP cameras there are", wholeNumber(1), 4)
    .option("--fps <r>", "frames per second that each of them sends", wholeNumber(1), 10)
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 10)
    .option("--rounds <n>", "how often it is measured", wholeNumber(1), 3)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("ingest", options));
}
