import { Command } from "commander";
import { append, readLabel } from "../camera/camera-options.ts";
import { cameraJson, cameraTable, rateHelp } from "../camera/camera-view.ts";
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
