import { Command, InvalidArgumentError } from "commander";
import { type RunOptions, runOptions, runStack } from "../up/run-stack.ts";

/** `sightline up`: NATS and the services on this machine until stopped; cameras and detections are kept. */
export function upCommand(): Command {
  const command = new Command("up").description(
    "run NATS and the services on this machine, with state in a data directory",
  );
  for (const option of runOptions()) command.addOption(option);
  command.option(
    "--cluster <servers>",
    "3 or 5 NATS servers with copies of everything, and two processes of each service: to try what a cluster does",
    clusterSize,
  );
  return command.action((options: RunOptions) => runStack(options));
}

function clusterSize(text: string): number {
  if (text === "3" || text === "5") return Number(text);
  throw new InvalidArgumentError("a cluster here has 3 or 5 NATS servers.");
}

/** `sightline dev`: as `up`, for those who change the source. */
export function devCommand(): Command {
  const command = new Command("dev").description(
    "as up, but a service is restarted when its source changes, and the console reloads",
  );
  for (const option of runOptions()) command.addOption(option);
  return command.action((options: RunOptions) => runStack(options, true));
}
