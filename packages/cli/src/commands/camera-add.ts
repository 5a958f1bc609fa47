import { Command } from "commander";
import { addCameraOptions, type CameraOptions, toSettings } from "../camera/camera-options.ts";
import { cameraJson } from "../camera/camera-view.ts";
import { withServer } from "../server-connection.ts";

/** `sightline camera add`: registers a camera. */
export function cameraAddCommand(): Command {
  const command = new Command("add")
    .argument("<name>", "1 to 63 characters of a-z, 0-9 and '-'")
    .argument("<url>", "rtsp:// or rtsps:// URL; user and password in it are stored apart and never shown");
  return addCameraOptions(command).action(async (name: string, uri: string, options: CameraOptions) => {
    const camera = await withServer(command, (client) =>
      client.cameras.register(name, { uri, ...toSettings(options) }),
    );
    console.log(options.json ? JSON.stringify(cameraJson(camera)) : `${name} is registered: ${camera.uri}`);
  });
}
