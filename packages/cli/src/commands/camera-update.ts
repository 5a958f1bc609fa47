import { Command } from "commander";
import { addCameraOptions, type CameraOptions, toSettings } from "../camera/camera-options.ts";
import { cameraJson, cameraText } from "../camera/camera-view.ts";
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
    const camera = await withServer(command, (client) =>
      client.cameras.update(name, { uri: options.url, ...toSettings(options) }, { etag: options.etag }),
    );
    console.log(options.json ? JSON.stringify(cameraJson(camera)) : cameraText(camera));
  });
}
