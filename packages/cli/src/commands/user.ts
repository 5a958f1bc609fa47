import { Command } from "commander";
import { camerasOption, type RoleName, roleOption } from "../access/access-options.ts";
import { userJson, userTable } from "../access/access-view.ts";
import { readPassword } from "../access/credentials.ts";
import { CliError } from "../errors.ts";
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
      if (!role && !cameras)
        throw new CliError("usage", "nothing is to be changed; give --role or --cameras");
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

/** `sightline user remove`: removes a user with all the user's tokens and logins. */
export function userRemoveCommand(): Command {
  const command = new Command("remove")
    .argument("<name>", "the user")
    .option("--json", "print the outcome as JSON", false);
  return command.action(async (name: string, options: { json: boolean }) => {
    await withServer(command, (client) => client.access.deleteUser(name));
    console.log(options.json ? JSON.stringify({ name, removed: true }) : `${name} is removed`);
  });
}

interface PasswordOptions {
  currentFile?: string;
  passwordFile?: string;
}

/** `sightline user password`: sets a password. */
export function userPasswordCommand(): Command {
  const command = new Command("password")
    .argument("[name]", "the user (default: yourself)")
    .option(
      "--current-file <file>",
      "file with your current password (default: asked for when it is your own)",
    )
    .option("--password-file <file>", "file whose first line is the new password (default: asked for)");
  return command.action(async (given: string | undefined, { currentFile, passwordFile }: PasswordOptions) => {
    const name = await withServer(command, async (client) => {
      const me = await client.access.whoAmI();
      const user = given ?? me.name;
      const current = user === me.name ? await readPassword(currentFile, "your current password", false) : "";
      const password = await readPassword(passwordFile, `new password of ${user}`, true);
      await client.access.setPassword(user, password, current);
      return user;
    });
    console.log(`the password of ${name} is set; other logins of ${name} have ended`);
  });
}
