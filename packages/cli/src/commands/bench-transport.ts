import { Command } from "commander";
import { runBenchProgram } from "../bench/run-program.ts";

/** `sightline bench transport`: frames per second through NATS, fairness and frame age under overload. */
export function benchTransportCommand(): Command {
  return new Command("transport")
    .description("measure frames through NATS: throughput, fairness and age under overload")
    .option("--seconds <n>", "length of one measurement", "10")
    .option("--rounds <n>", "how often each is measured, by turns", "3")
    .option("--json", "print one JSON object", false)
    .action((options: { seconds: string; rounds: string; json: boolean }) =>
      runBenchProgram("transport", [
        "--seconds",
        options.seconds,
        "--rounds",
        options.rounds,
        ...(options.json ? ["--json"] : []),
      ]),
    );
}
