import { Command } from "commander";
import { withServer } from "../server-connection.ts";

/** `sightline user remove`: removes a user with all that the user calls with. */
export function userRemoveCommand(): Command {
  const command = new Command("remove")
    .argument("<name>", "the user")
    .option("--json", "print the outcome as JSON", false);
  return command.action(async (name: string, options: { json: boolean }) => {
    await withServer(command, (client) => client.access.deleteUser(name));
    console.log(options.json ? JSON.stringify({ name, removed: true }) : `${name} is removed`);
  });
}
