import { Command } from "commander";
import { type RunOptions, runOptions, runStack } from "../up/run-stack.ts";

/** `sightline up`: NATS and the three services on this machine until stopped; cameras and detections are kept. */
export function upCommand(): Command {
  const command = new Command("up").description(
    "run NATS and the three services on this machine, with state in a data directory",
  );
  for (const option of runOptions()) command.addOption(option);
  return command.action((options: RunOptions) => runStack(options));
}
