import { Command, Option } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";
import { wholeNumber } from "../number-options.ts";

/** `sightline bench overload`: how old results are where more is offered than can be inferred. Exit code 1: the bar is missed. */
export function benchOverloadCommand(): Command {
  return new Command("overload")
    .option("--model <name>", "model in the model directory", "yolo-nas-pedestrians")
    .option("--models <directory>", "model directory", "models")
    .option("--fixed <run,frame>", "no model: milliseconds of a run, and of each of its frames beyond that")
    .addOption(
      new Option("--goal <name>", "how throughput is weighed against latency")
        .choices(["latency", "balanced", "throughput"])
        .default("balanced"),
    )
    .option("--batch <n>", "frames of a batch, or auto", "auto")
    .option("--threads <n>", "threads inside one inference (default: one per core)", wholeNumber(1))
    .option("--fps <n>", "frames per second of each camera", wholeNumber(1), 10)
    .option("--times <n>", "how many times more frames are offered than are inferred", wholeNumber(1), 4)
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 20)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("overload", options));
}
