import { connect, type SightlineClient } from "@sightline/client";
import type { Command } from "commander";

/** Runs `task` with a connection to the server that `--server` names, and closes it after. */
export async function withServer<R>(
  command: Command,
  task: (client: SightlineClient) => Promise<R>,
): Promise<R> {
  const client = connect(command.optsWithGlobals().server);
  try {
    return await task(client);
  } finally {
    client.close();
  }
}
