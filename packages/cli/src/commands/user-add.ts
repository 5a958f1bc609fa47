import { Command } from "commander";
import { camerasOption, type RoleName, roleOption } from "../access/access-options.ts";
import { userJson } from "../access/access-view.ts";
import { readPassword } from "../access/ask-secret.ts";
import { withServer } from "../server-connection.ts";

interface AddOptions {
  role: RoleName;
  cameras?: string[];
  passwordFile?: string;
  password: boolean;
  json: boolean;
}

/** `sightline user add`: makes a user. */
export function userAddCommand(): Command {
  const command = new Command("add")
    .argument("<name>", "the new user")
    .addOption(roleOption("what the user may do").makeOptionMandatory())
    .addOption(camerasOption("cameras that the user sees (default: all)"))
    .option("--password-file <file>", "file whose first line is the password (default: asked for)")
    .option("--no-password", "without a password, for a user who logs in otherwise")
    .option("--json", "print the user as JSON", false);
  return command.action(async (name: string, options: AddOptions) => {
    const { role, cameras, passwordFile } = options;
    const password = options.password
      ? await readPassword(passwordFile, `new password of ${name}`, true)
      : undefined;
    const user = await withServer(command, (client) =>
      client.access.createUser(name, { role, cameras, password }),
    );
    console.log(
      options.json
        ? JSON.stringify(userJson(user))
        : `${name} is there now, with the role ${role}; log in with ./sightline login`,
    );
  });
}
