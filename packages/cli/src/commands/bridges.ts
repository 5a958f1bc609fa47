import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { nodeOptions, projectRoot } from "@sightline/stack";
import { Command } from "commander";
import type { ServerOptions } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";

/** `sightline bridges`: the MQTT and webhook bridges in the foreground, until stopped. */
export function bridgesCommand(): Command {
  const command = new Command("bridges");
  return command.action(async () => {
    const stop = untilSignal();
    const main = join(projectRoot, "services/bridges/src/main.ts");
    const { server, ca, cert, key } = command.optsWithGlobals<ServerOptions>();
    const isGiven = command.getOptionValueSourceWithGlobals("server") === "cli";
    const address = isGiven ? server : (process.env.SIGHTLINE_GRPC_ADDRESS ?? server);
    const child = spawn(process.execPath, [...nodeOptions, main], {
      env: {
        ...process.env,
        SIGHTLINE_GRPC_ADDRESS: address,
        SIGHTLINE_TLS_CA_FILE: ca,
        SIGHTLINE_TLS_CLIENT_CERT_FILE: cert,
        SIGHTLINE_TLS_CLIENT_KEY_FILE: key,
      },
      stdio: ["ignore", "inherit", "inherit"],
    });
    stop.addEventListener("abort", () => child.kill("SIGTERM"));
    const [code] = await once(child, "exit");
    process.exitCode = code ?? 1;
  });
}
