import { Command } from "commander";
import { cameraJson, cameraText } from "../camera/camera-view.ts";
import { withServer } from "../server-connection.ts";

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
