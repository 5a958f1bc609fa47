import { Command } from "commander";
import { type ProgramOptions, runTestProgram } from "../bench/run-program.ts";

/** `sightline screenshots`: the README's pictures of the web console, from a real run. */
export function screenshotsCommand(): Command {
  return new Command("screenshots")
    .description("take the README's pictures of the web console from a real run")
    .option("--directory <path>", "where to write them", "docs/images")
    .option("--fps <r>", "frames per second that are analysed of each of the four cameras", "5")
    .option("--settle <s>", "seconds that the system runs before they are taken", "100")
    .action((options: ProgramOptions) => runTestProgram("browser/screenshots.ts", options));
}
