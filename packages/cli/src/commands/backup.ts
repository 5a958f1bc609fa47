import { resolve } from "node:path";
import { replicasSetting } from "@sightline/service";
import { backup, restore, type SavedStream } from "@sightline/service/backup";
import { Command, InvalidArgumentError } from "commander";
import { asOperator } from "../operator-access.ts";

/** `sightline backup`: everything that NATS stores for this installation, in one file. */
export function backupCommand(): Command {
  return new Command("backup")
    .description(
      "write cameras, rules, users, subscriptions, events and everything else that NATS stores to one file",
    )
    .argument("<file>", "the file, a tar archive that only you can read; an existing one is replaced")
    .action(async (file: string) => {
      const path = resolve(file);
      const streams = await asOperator((nats) => backup(nats, path));
      console.log(
        `${linesOf(streams)}\nwrote ${path}; keep the file of keys (secrets.key) apart from it: without it the passwords in the backup cannot be read`,
      );
    });
}

/** A line for each stream. */
function linesOf(streams: readonly SavedStream[]): string {
  return streams.map(({ name, messages }) => `  ${name.padEnd(24)} ${messages} messages`).join("\n");
}

/** `sightline restore`: loads a file from `sightline backup` into a NATS whose services are not running. */
export function restoreCommand(): Command {
  return new Command("restore")
    .description("put what backup wrote into an empty NATS; the services must be stopped")
    .argument("<file>", "the file that backup wrote")
    .option("--replace", "delete what this NATS holds of Sightline first")
    .option(
      "--replicas <copies>",
      "copies of each stream: 1, 3 or 5; unless given, those of the backup",
      replicas,
    )
    .action(async (file: string, options: { replace?: boolean; replicas?: number }) => {
      const streams = await asOperator((nats) => restore(nats, resolve(file), options));
      console.log(
        `${linesOf(streams)}\nrestored; start the services, with the file of keys (secrets.key) of the backup's installation`,
      );
    });
}

function replicas(text: string): number {
  const copies = replicasSetting.schema.safeParse(text);
  if (!copies.success) throw new InvalidArgumentError("expected 1, 3 or 5");
  return Number(copies.data);
}
