import { readFileSync } from "node:fs";
import { connect, readTlsFiles, type SightlineClient, type TlsOptions } from "@sightline/client";
import { type Command, Option } from "commander";
import { keptToken } from "./access/credentials.ts";

/** What is said of the server before or after any command. */
export interface ServerOptions {
  server: string;
  ca?: string;
  cert?: string;
  key?: string;
  token?: string;
}

/** The options that say where the server is, and how it is known. */
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

/** The TLS that the options, or the settings of the same names, ask for. */
export function tlsOf({ ca, cert, key }: ServerOptions): TlsOptions | undefined {
  const serverName = process.env.SIGHTLINE_TLS_SERVER_NAME;
  return readTlsFiles({ ca, cert, key, serverName });
}

/** What calls are made with: the token that is given, in a file that is named, or kept by `sightline login`. */
export function tokenOf({ token, server }: ServerOptions): string | undefined {
  const file = process.env.SIGHTLINE_TOKEN_FILE;
  return token ?? (file ? readFileSync(file, "utf8").trim() : keptToken(server));
}

/** Runs `task` with a connection to the server that `--server` names, and closes it after. */
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
