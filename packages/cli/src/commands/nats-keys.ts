import { join, resolve } from "node:path";
import { authorizationFile, natsKeyFile, writeNatsKeys } from "@sightline/service";
import { Command } from "commander";

/** `sightline nats keys`: who may do what at a NATS server that Sightline shares or that `up` does not start. */
export function natsKeysCommand(): Command {
  return new Command("keys")
    .description("make the services' NATS keys, and the part of the server's configuration that knows them")
    .option("--out <directory>", "where the keys are, and missing ones are put", "nats-keys")
    .action(({ out }: { out: string }) => {
      const directory = resolve(out);
      const made = writeNatsKeys(directory);
      const lines = [
        made.length > 0 ? `made the keys of ${made.join(", ")}` : "all keys are there",
        `  keys      ${natsKeyFile(directory, "results")} and others: give each service its own by SIGHTLINE_NATS_NKEY_FILE`,
        `  server    ${join(directory, authorizationFile)}: include it in the NATS server's configuration, then nats-server --signal reload`,
      ];
      console.log(lines.join("\n"));
    });
}
