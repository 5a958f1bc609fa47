import { Command } from "commander";
import { runBenchProgram } from "../bench/run-program.ts";

/** `sightline bench console`: how smooth the wall is, how soon it shows, and how much is loaded. */
export function benchConsoleCommand(): Command {
  return new Command("console")
    .description("measure the web console's wall of cameras in Chromium: frame rate, first paint, weight")
    .option("--cameras <n>", "how many real RTSP cameras are on the wall", "64")
    .option("--fps <r>", "frames per second that each of them sends", "1")
    .option("--duration <s>", "seconds of measurement", "10")
    .option("--json", "print one JSON object", false)
    .action(({ json, ...options }: Record<string, string> & { json: boolean }) =>
      runBenchProgram("console", [
        ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value as string]),
        ...(json ? ["--json"] : []),
      ]),
    );
}
