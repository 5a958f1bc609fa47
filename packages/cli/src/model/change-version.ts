import type { Activation, SightlineClient } from "@sightline/client";
import type { Command } from "commander";
import { wholeNumber } from "../option-values.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";

export interface ChangeOptions {
  timeout: number;
  json: boolean;
}

/** Adds the options of commands that change the version of a model. */
export function withChangeOptions(command: Command): Command {
  return command
    .option(
      "--timeout <seconds>",
      "how long the workers may take to get it ready",
      wholeNumber(1, 3_600),
      120,
    )
    .option("--json", "print as JSON", false);
}

/** Changes a version and prints the result. */
export async function changeVersion(
  command: Command,
  model: string,
  { timeout, json }: ChangeOptions,
  change: (
    client: SightlineClient,
    settings: { timeoutMs: number; signal: AbortSignal },
  ) => Promise<Activation>,
): Promise<void> {
  const signal = untilSignal();
  const activation = await withServer(command, (client) =>
    change(client, { timeoutMs: timeout * 1000, signal }),
  );
  if (json) {
    console.log(JSON.stringify(activation));
    return;
  }
  const { version, warnings } = activation;
  const workers = `${version.servingWorkers} worker${version.servingWorkers === 1 ? "" : "s"}`;
  console.log(`${model} is served in version ${version.number} (${version.version}) by ${workers}`);
  for (const warning of warnings) console.error(`warning: ${warning}`);
}
