import { Command, InvalidArgumentError, Option } from "commander";
import { runBenchProgram } from "../bench/run-program.ts";

/** `sightline bench subscribers`: frames to many subscribers over gRPC, beside a bare gRPC server. */
export function benchSubscribersCommand(): Command {
  return new Command("subscribers")
    .description("measure how many subscribers get how many frames, how late, beside a bare gRPC server")
    .option("--subscribers <n>", "how many subscribe, in another process", above0, "1000")
    .option("--rate <r>", "frames per second that each gets", above0, "30")
    .option("--duration <s>", "seconds of measurement", above0, "10")
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
    .option("--json", "print one JSON object", false)
    .action(({ json, highest, ...options }: Record<string, string> & { json: boolean; highest: boolean }) =>
      runBenchProgram("subscribers", [
        ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value as string]),
        ...(highest ? ["--highest"] : []),
        ...(json ? ["--json"] : []),
      ]),
    );
}

function above0(text: string): string {
  if (!(Number.isInteger(Number(text)) && Number(text) > 0))
    throw new InvalidArgumentError("whole numbers above 0");
  return text;
}
