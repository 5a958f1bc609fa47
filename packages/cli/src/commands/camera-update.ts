import { Command, InvalidArgumentError } from "commander";
import { addCameraOptions, type CameraOptions, toSettings } from "../camera/camera-options.ts";
import { cameraJson, cameraText } from "../camera/camera-view.ts";
import { warnUncheckedClasses } from "../camera/unchecked-classes.ts";
import { printWarnings } from "../camera/warnings.ts";
import { withServer } from "../server-connection.ts";

interface UpdateOptions extends CameraOptions {
  url?: string;
  etag?: string;
}

/** `sightline camera update`: changes the settings that are named. */
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

/** The options that change something. */
function settingOptions(command: Command): string {
  const others = new Set(["--etag", "--json"]);
  return command.options
    .map(({ long }) => long)
    .filter((long) => long && !others.has(long))
    .join(", ");
}
