import { Command } from "commander";
import { camerasOption, type RoleName, roleOption } from "../access/access-options.ts";
import { userJson } from "../access/access-view.ts";
import { withServer } from "../server-connection.ts";

/** `sightline user update`: changes what a user may do. */
export function userUpdateCommand(): Command {
  const command = new Command("update")
    .argument("<name>", "the user")
    .addOption(roleOption("what the user may do"))
    .addOption(camerasOption("cameras that the user sees"))
    .option("--json", "print the user as JSON", false);
  return command.action(
    async (name: string, options: { role?: RoleName; cameras?: string[]; json: boolean }) => {
      const { role, cameras } = options;
      if (!role && !cameras) throw new Error("nothing is to be changed; give --role or --cameras");
      const changes = { ...(role && { role }), ...(cameras && { cameras }) };
      const user = await withServer(command, (client) => client.access.updateUser(name, changes));
      const shown = userJson(user);
      console.log(
        options.json
          ? JSON.stringify(shown)
          : `${name} is ${shown.role} of ${shown.cameras.join(", ")} now; what was open has ended`,
      );
    },
  );
}
