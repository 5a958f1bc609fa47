import { Command } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";
import { wholeNumber } from "../number-options.ts";

/** `sightline bench transport`: frames per second and what they cost, by shared memory and through NATS, fairness and frame age under overload. */
export function benchTransportCommand(): Command {
  return new Command("transport")
    .option("--frame <WxH>", "size of the frames in pixels", "640x640")
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 10)
    .option("--rounds <n>", "how often each is measured, by turns", wholeNumber(1), 3)
    .option("--secure", "NATS by TLS, with a key and permissions for each service", false)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("transport", options));
}
