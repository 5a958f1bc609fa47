import { Command } from "commander";
import { runBenchProgram } from "../bench/run-program.ts";

/** `sightline bench end-to-end`: the inference service against a bare loop of the model's runs. */
export function benchEndToEndCommand(): Command {
  return new Command("end-to-end")
    .description("measure the inference service against a bare loop of the model's runs")
    .option("--model <name>", "model in the model directory", "yolo-nas-pedestrians")
    .option("--models <directory>", "model directory", "models")
    .option("--precision <p>", "int8 or fp32", "int8")
    .option("--seconds <n>", "length of one measurement", "10")
    .option("--rounds <n>", "how often each is measured, by turns", "3")
    .option("--json", "print one JSON object", false)
    .action(({ json, ...options }: Record<string, string> & { json: boolean }) =>
      runBenchProgram("end-to-end", [
        ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value as string]),
        ...(json ? ["--json"] : []),
      ]),
    );
}
