import { Command, InvalidArgumentError } from "commander";
import { withServer } from "../server-connection.ts";
import { timeOption } from "../time-option.ts";

interface ForgetOptions {
  from?: Date;
  to?: Date;
  all: boolean;
  json: boolean;
}

/** `sightline camera forget`: deletes what is kept of a camera. */
export function cameraForgetCommand(): Command {
  const command = new Command("forget")
    .argument("<name>", "the camera; one that was removed may still have events, pictures and recordings")
    .option("--from <time>", "what is of this time or later, such as 2026-03-01T08:00:00Z", timeOption)
    .option("--to <time>", "what is of before this time", timeOption)
    .option("--all", "all that is kept of it", false)
    .option("--json", "print the outcome as JSON", false);
  return command.action(async (name: string, { from, to, all, json }: ForgetOptions) => {
    if (all === Boolean(from || to))
      throw new InvalidArgumentError("say what is to be deleted: --from, --to or both, or --all");
    if (from && to && from >= to) throw new InvalidArgumentError("--from is not before --to");
    const deleted = await withServer(command, (client) => client.cameras.forget(name, { from, to }));
    if (json) return console.log(JSON.stringify({ name, ...deleted }));
    const { events, pictures, frames, segments, bytes } = deleted;
    if (events + pictures + frames + segments === 0)
      return console.log(`nothing was kept of ${name}, or not of that time`);
    console.log(
      `deleted of ${name}: ${events} events, ${pictures} pictures, detections of ${frames} frames, ${(bytes / 2 ** 20).toFixed(1)} MiB of video (${segments} files)`,
    );
  });
}
