import { Command } from "commander";
import { readPassword } from "../access/ask-secret.ts";
import { withServer } from "../server-connection.ts";

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
      "file with your password until now (default: asked for when it is your own)",
    )
    .option("--password-file <file>", "file whose first line is the new password (default: asked for)");
  return command.action(async (given: string | undefined, { currentFile, passwordFile }: PasswordOptions) => {
    const name = await withServer(command, async (client) => {
      const me = await client.access.whoAmI();
      const user = given ?? me.name;
      const current =
        user === me.name ? await readPassword(currentFile, "your password until now", false) : "";
      const password = await readPassword(passwordFile, `new password of ${user}`, true);
      await client.access.setPassword(user, password, current);
      return user;
    });
    console.log(`the password of ${name} is set; other logins of ${name} have ended`);
  });
}
