import { resolve } from "node:path";
import { backup, type SavedStream } from "@sightline/service/backup";
import { Command } from "commander";
import { asOperator } from "../operator-access.ts";

/** `sightline backup`: all that NATS stores of this installation, in one file. */
export function backupCommand(): Command {
  return new Command("backup")
    .description(
      "write cameras, rules, users, subscriptions, events and all else that NATS stores to one file",
    )
    .argument("<file>", "the file, a tar archive that only you can read; one that is there is replaced")
    .action(async (file: string) => {
      const path = resolve(file);
      const streams = await asOperator((nats) => backup(nats, path));
      console.log(
        `${linesOf(streams)}\nwrote ${path}; keep the file of keys (secrets.key) apart from it, since passwords are worth nothing without`,
      );
    });
}

/** A line for each stream. */
export function linesOf(streams: readonly SavedStream[]): string {
  return streams.map(({ name, messages }) => `  ${name.padEnd(24)} ${messages} messages`).join("\n");
}
