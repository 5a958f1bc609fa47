import { SightlineError } from "@sightline/client";
import { Command } from "commander";
import { keepToken, keptToken } from "../access/kept-tokens.ts";
import { type ServerOptions, withServer } from "../server-connection.ts";

/** `sightline logout`: the token of `login` is worth nothing from then on. */
export function logoutCommand(): Command {
  const command = new Command("logout");
  return command.action(async () => {
    const { server } = command.optsWithGlobals<ServerOptions>();
    const token = keptToken(server);
    if (token === undefined) {
      console.log(`nobody is logged in at ${server}`);
      return;
    }
    const id = /^slt_([a-z0-9]+)_/.exec(token)?.[1] ?? "";
    try {
      await withServer(command, (client) => client.access.deleteToken(id));
    } catch (error) {
      // It has ended already.
      if (!(error instanceof SightlineError && error.reason === "unauthenticated")) throw error;
    }
    keepToken(server, undefined);
    console.log(`logged out at ${server}`);
  });
}
