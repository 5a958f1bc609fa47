import { Command } from "commander";
import { userJson, userTable } from "../access/access-view.ts";
import { withServer } from "../server-connection.ts";

/** `sightline user list`: every user and what they may do. */
export function userListCommand(): Command {
  const command = new Command("list").option("--json", "print a JSON array", false);
  return command.action(async (options: { json: boolean }) => {
    const users = await withServer(command, (client) => Array.fromAsync(client.access.users()));
    if (options.json) console.log(JSON.stringify(users.map(userJson)));
    else if (users.length === 0)
      console.log(
        "no users: everybody on the server's machine may do everything; ./sightline user add ends that",
      );
    else console.log(userTable(users));
  });
}
