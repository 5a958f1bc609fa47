import { resolve } from "node:path";
import { replicasSetting } from "@sightline/service";
import { restore } from "@sightline/service/backup";
import { Command, InvalidArgumentError } from "commander";
import { asOperator } from "../operator-access.ts";
import { linesOf } from "./backup.ts";

/** `sightline restore`: what `sightline backup` wrote, into a NATS whose services do not run. */
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
