import { Command, Option } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";
import { numberWithin, wholeNumber } from "../number-options.ts";

/** `sightline bench handover`: how long cameras give nothing when a process of a service stops or joins. */
export function benchHandoverCommand(): Command {
  return new Command("handover")
    .option("--cameras <n>", "how many real RTSP cameras there are", wholeNumber(1), 4)
    .option("--fps <r>", "frames per second to analyse of each camera", numberWithin(0.1, 30), 5)
    .option("--rounds <n>", "how often each process is stopped and started again", wholeNumber(1), 3)
    .addOption(
      new Option("--service <name>", "stop and start only processes of this one").choices([
        "results",
        "inference",
        "ingest",
      ]),
    )
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("handover", options));
}
