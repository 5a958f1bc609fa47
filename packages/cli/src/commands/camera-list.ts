import { Command } from "commander";
import { cameraJson, cameraTable, rateHelp } from "../camera/camera-view.ts";
import { withServer } from "../server-connection.ts";

/** `sightline camera list`: every camera with its state. */
export function cameraListCommand(): Command {
  const command = new Command("list")
    .option("--json", "print a JSON array", false)
    .addHelpText("after", `\n${rateHelp}`);
  return command.action(async (options: { json: boolean }) => {
    const cameras = await withServer(command, (client) => Array.fromAsync(client.cameras.list()));
    if (options.json) console.log(JSON.stringify(cameras.map(cameraJson)));
    else if (cameras.length === 0) console.log("no cameras; add one with ./sightline camera add NAME URL");
    else console.log(cameraTable(cameras));
  });
}
