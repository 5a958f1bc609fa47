import { Command } from "commander";
import { withServer } from "../server-connection.ts";

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
