import { Command } from "commander";
import { type RunOptions, runOptions, runStack } from "../up/run-stack.ts";

/** `sightline dev`: as `up`, for those who change the source. */
export function devCommand(): Command {
  const command = new Command("dev").description(
    "as up, but a service is restarted when its source changes, and the console reloads",
  );
  for (const option of runOptions()) command.addOption(option);
  return command.action((options: RunOptions) => runStack(options, true));
}
