import { hostname } from "node:os";
import { connect, SightlineError } from "@sightline/client";
import { Command } from "commander";
import { askSecret, keepToken, keptToken, readPassword, tokensPath } from "../access/credentials.ts";
import { tlsOf, withServer } from "../server-connection.ts";
import type { ServerOptions } from "../server-options.ts";

/** `sightline login`: gets a token for the user and stores it for the server. */
export function loginCommand(): Command {
  const command = new Command("login")
    .argument("[user]", "who you are (default: asked for)")
    .option("--password-file <file>", "file whose first line is the password (default: asked for)");
  return command.action(async (given: string | undefined, { passwordFile }: { passwordFile?: string }) => {
    const options = command.optsWithGlobals<ServerOptions>();
    const user = given ?? (await askName());
    const password = await readPassword(passwordFile, `password of ${user}`, false);
    // Without the earlier token, which may have ended.
    const client = connect(options.server, { tls: tlsOf(options) });
    try {
      const { secret } = await client.access.logIn(user, password, {
        name: `sightline login on ${hostname()}`.slice(0, 100),
      });
      keepToken(options.server, secret);
    } finally {
      client.close();
    }
    console.log(`logged in as ${user} at ${options.server}, for 30 days; the token is in ${tokensPath()}`);
  });
}

async function askName(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write("(what you type is not shown)\n");
  return askSecret("user: ");
}

/** `sightline logout`: revokes the token of `login`. */
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
      // It has already ended.
      if (!(error instanceof SightlineError && error.reason === "unauthenticated")) throw error;
    }
    keepToken(server, undefined);
    console.log(`logged out at ${server}`);
  });
}
