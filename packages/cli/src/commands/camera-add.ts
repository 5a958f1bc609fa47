import { Command } from "commander";
import { addCameraOptions, type CameraOptions, toSettings } from "../camera/camera-options.ts";
import { cameraJson } from "../camera/camera-view.ts";
import { bundledModel, bundledModelScope } from "../camera/model-scope.ts";
import { warnUncheckedClasses } from "../camera/unchecked-classes.ts";
import { withServer } from "../server-connection.ts";

/** `sightline camera add`: registers a camera. */
export function cameraAddCommand(): Command {
  const command = new Command("add")
    .argument("<name>", "1 to 63 characters of a-z, 0-9 and '-'")
    .argument("<url>", "rtsp:// or rtsps:// URL; user and password in it are stored apart and never shown");
  return addCameraOptions(command).action(async (name: string, uri: string, options: CameraOptions) => {
    const camera = await withServer(command, (client) =>
      client.cameras.register(
        name,
        { uri, ...toSettings(options) },
        { onUncheckedClasses: warnUncheckedClasses },
      ),
    );
    if (options.json) return console.log(JSON.stringify(cameraJson(camera)));
    console.log(`${name} is registered: ${camera.uri}`);
    if (camera.model === bundledModel) console.log(`its model is ${bundledModel}: ${bundledModelScope}`);
  });
}
