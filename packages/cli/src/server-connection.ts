import { readFileSync } from "node:fs";
import { connect, readTlsFiles, type SightlineClient, type TlsOptions } from "@sightline/client";
import { type Command, Option } from "commander";
import { keptToken } from "./access/credentials.ts";

/** Server options, which may be given before or after any command. */
export interface ServerOptions {
  server: string;
  ca?: string;
  cert?: string;
  key?: string;
  token?: string;
}

/** The options for the server's address, TLS and token. */
export const serverOptions = () => [
  new Option("--server <host:port>", "gRPC address of Sightline; https://HOST:PORT where it speaks TLS")
    .env("SIGHTLINE_GRPC")
    .default("127.0.0.1:50051"),
  new Option(
    "--ca <file>",
    "certificates (PEM) to check the server's with; turns TLS on, as https:// does",
  ).env("SIGHTLINE_TLS_CA_FILE"),
  new Option("--cert <file>", "your own certificate (PEM), where the server knows users by theirs").env(
    "SIGHTLINE_TLS_CLIENT_CERT_FILE",
  ),
  new Option("--key <file>", "the private key (PEM) of --cert").env("SIGHTLINE_TLS_CLIENT_KEY_FILE"),
  new Option(
    "--token <token>",
    "the token that says who you are; others on this machine can see a command's options, so prefer the variable, a file (SIGHTLINE_TOKEN_FILE) or sightline login",
  ).env("SIGHTLINE_TOKEN"),
];

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
