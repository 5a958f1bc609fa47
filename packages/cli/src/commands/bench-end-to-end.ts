import { EXECUTION_PROVIDERS } from "@sightline/yolo-nas";
import { Command, Option } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";
import { wholeNumber } from "../number-options.ts";

/** `sightline bench end-to-end`: the inference service against a bare loop of the model's runs. */
export function benchEndToEndCommand(): Command {
  return new Command("end-to-end")
    .option("--model <name>", "model in the model directory", "yolo-nas-pedestrians")
    .option("--models <directory>", "model directory", "models")
    .option("--precision <p>", "int8 or fp32", "int8")
    .addOption(
      new Option("--provider <name>", "what runs the model").choices(EXECUTION_PROVIDERS).default("cpu"),
    )
    .option("--batch <n>", "frames of a run", wholeNumber(1), 1)
    .option("--cameras <n>", "cameras that give frames as fast as they are taken", wholeNumber(1), 8)
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 10)
    .option("--rounds <n>", "how often each is measured, by turns", wholeNumber(1), 3)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("end-to-end", options));
}
