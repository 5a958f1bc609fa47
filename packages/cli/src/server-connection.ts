import { connect, readTlsFiles, type SightlineClient, type TlsOptions } from "@sightline/client";
import { type Command, Option } from "commander";

/** What is said of the server before or after any command. */
export interface ServerOptions {
  server: string;
  ca?: string;
  cert?: string;
  key?: string;
}

/** The options that say where the server is, and how it is known. */
export const serverOptions = () => [
  new Option("--server <host:port>", "gRPC address of Sightline; https://HOST:PORT where it speaks TLS")
    .env("SIGHTLINE_GRPC")
    .default("127.0.0.1:50051"),
  new Option(
    "--ca <file>",
    "certificates (PEM) that the server's own is checked with; means TLS, as https:// does",
  ).env("SIGHTLINE_TLS_CA_FILE"),
  new Option("--cert <file>", "your own certificate (PEM), where the server knows users by theirs").env(
    "SIGHTLINE_TLS_CLIENT_CERT_FILE",
  ),
  new Option("--key <file>", "the private key (PEM) of --cert").env("SIGHTLINE_TLS_CLIENT_KEY_FILE"),
];

/** The TLS that the options, or the settings of the same names, ask for. */
export function tlsOf({ ca, cert, key }: ServerOptions): TlsOptions | undefined {
  const serverName = process.env.SIGHTLINE_TLS_SERVER_NAME;
  return readTlsFiles({ ca, cert, key, serverName });
}

/** Runs `task` with a connection to the server that `--server` names, and closes it after. */
export async function withServer<R>(
  command: Command,
  task: (client: SightlineClient) => Promise<R>,
): Promise<R> {
  const options = command.optsWithGlobals<ServerOptions>();
  const client = connect(options.server, { tls: tlsOf(options) });
  try {
    return await task(client);
  } finally {
    client.close();
  }
}
