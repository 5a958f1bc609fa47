import { Option } from "commander";

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
