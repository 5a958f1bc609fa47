import { readFileSync } from "node:fs";
import { connect, readTlsFiles, type SightlineClient, type TlsOptions } from "@sightline/client";
import type { Command } from "commander";
import { keptToken } from "./access/credentials.ts";
import type { ServerOptions } from "./server-options.ts";

/** TLS options from the command line, or from the settings with the same names. */
export function tlsOf({ ca, cert, key }: ServerOptions): TlsOptions | undefined {
  const serverName = process.env.SIGHTLINE_TLS_SERVER_NAME;
  return readTlsFiles({ ca, cert, key, serverName });
}

/** The token for calls: the given one, one in a named file, or the one stored by `sightline login`. */
export function tokenOf({ token, server }: ServerOptions): string | undefined {
  const file = process.env.SIGHTLINE_TOKEN_FILE;
  return token ?? (file ? readFileSync(file, "utf8").trim() : keptToken(server));
}

/** Runs `task` with a connection to the server from `--server`, and closes it afterwards. */
export async function withServer<R>(
  command: Command,
  task: (client: SightlineClient) => Promise<R>,
): Promise<R> {
  const options = command.optsWithGlobals<ServerOptions>();
  const client = connect(options.server, { tls: tlsOf(options), token: tokenOf(options) });
  try {
    return await task(client);
  } finally {
    client.close();
  }
}
