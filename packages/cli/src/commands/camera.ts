import { Command, InvalidArgumentError } from "commander";
import {
  addCameraOptions,
  append,
  type CameraOptions,
  readLabel,
  toSettings,
} from "../camera/camera-options.ts";
import {
  cameraJson,
  cameraTable,
  cameraText,
  printWarnings,
  rateHelp,
  warnUncheckedClasses,
} from "../camera/camera-view.ts";
import { timeOption } from "../option-values.ts";
import { withServer } from "../server-connection.ts";

/** `sightline camera list`: every camera with its state. */
export function cameraListCommand(): Command {
  const command = new Command("list")
    .option(
      "--label <key=value>",
      "only cameras with this label; may be given several times, for those that have all",
      (text, before: string[]) => {
        readLabel(text);
        return append(text, before);
      },
      [],
    )
    .option("--json", "print a JSON array", false)
    .addHelpText("after", `\n${rateHelp}`);
  return command.action(async (options: { json: boolean; label: string[] }) => {
    const cameras = await withServer(command, (client) =>
      Array.fromAsync(client.cameras.list({ labels: options.label })),
    );
    if (options.json) console.log(JSON.stringify(cameras.map(cameraJson)));
    else if (cameras.length === 0 && options.label.length > 0)
      console.log(`no camera has the label ${options.label.join(" and ")}`);
    else if (cameras.length === 0) console.log("no cameras; add one with ./sightline camera add NAME URL");
    else console.log(cameraTable(cameras));
  });
}

/** `sightline camera get`: one camera's settings and state. */
export function cameraGetCommand(): Command {
  const command = new Command("get")
    .argument("<name>", "the camera")
    .option("--json", "print the camera as JSON", false);
  return command.action(async (name: string, options: { json: boolean }) => {
    const camera = await withServer(command, (client) => client.cameras.get(name));
    console.log(options.json ? JSON.stringify(cameraJson(camera)) : cameraText(camera));
  });
}

interface UpdateOptions extends CameraOptions {
  url?: string;
  etag?: string;
}

/** `sightline camera update`: changes the given settings. */
export function cameraUpdateCommand(): Command {
  const command = new Command("update")
    .argument("<name>", "the camera")
    .option("--url <url>", "new URL; without a user it keeps the stored one while host and port are the same")
    .option("--etag <etag>", "change the camera only if this is still its etag");
  return addCameraOptions(command).action(async (name: string, options: UpdateOptions) => {
    const settings = { uri: options.url, ...toSettings(options) };
    if (Object.values(settings).every((value) => value === undefined))
      throw new InvalidArgumentError(`nothing to change; give at least one of ${settingOptions(command)}`);
    const camera = await withServer(command, (client) =>
      client.cameras.update(name, settings, {
        etag: options.etag,
        onWarnings: printWarnings,
        ...(options.classes && { onUncheckedClasses: warnUncheckedClasses }),
      }),
    );
    console.log(options.json ? JSON.stringify(cameraJson(camera)) : cameraText(camera));
  });
}

/** The options that change a setting. */
function settingOptions(command: Command): string {
  const others = new Set(["--etag", "--json"]);
  return command.options
    .map(({ long }) => long)
    .filter((long) => long && !others.has(long))
    .join(", ");
}

/** `sightline camera remove`: removes a camera. */
export function cameraRemoveCommand(): Command {
  const command = new Command("remove")
    .argument("<name>", "the camera")
    .option("--json", "print the outcome as JSON", false);
  return command.action(async (name: string, options: { json: boolean }) => {
    await withServer(command, (client) => client.cameras.delete(name));
    console.log(options.json ? JSON.stringify({ name, removed: true }) : `${name} is removed`);
  });
}

interface ForgetOptions {
  from?: Date;
  to?: Date;
  all: boolean;
  json: boolean;
}

/** `sightline camera forget`: deletes the stored data of a camera. */
export function cameraForgetCommand(): Command {
  const command = new Command("forget")
    .argument("<name>", "the camera; one that was removed may still have events, pictures and recordings")
    .option("--from <time>", "from this time on, such as 2026-03-01T08:00:00Z", timeOption)
    .option("--to <time>", "before this time", timeOption)
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
