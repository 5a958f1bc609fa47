import { Command, Option } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";
import { wholeNumber } from "../number-options.ts";

/** `sightline bench subscribers`: frames to many subscribers over gRPC, beside a bare gRPC server. */
export function benchSubscribersCommand(): Command {
  return new Command("subscribers")
    .option("--subscribers <n>", "how many subscribe, in another process", wholeNumber(1, 100_000), 1000)
    .option("--rate <r>", "frames per second that each gets", wholeNumber(1, 10_000), 30)
    .option("--duration <s>", "seconds of measurement", wholeNumber(1, 86_400), 10)
    .addOption(
      new Option("--start <how>", "live: slow subscribers skip; newest: they miss nothing")
        .choices(["live", "newest"])
        .default("live"),
    )
    .option(
      "--highest",
      "also look for the highest rate at which p99 stays below 40 ms and none is lost",
      false,
    )
    .option("--secure", "also by TLS and with a token, on a server with users, beside without", false)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("subscribers", options));
}
