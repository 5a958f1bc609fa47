import { Command } from "commander";
import { camerasOption, expiresOption, type RoleName, roleOption } from "../access/access-options.ts";
import { tokenJson } from "../access/access-view.ts";
import { withServer } from "../server-connection.ts";

interface AddOptions {
  role?: RoleName;
  cameras?: string[];
  expires?: Date;
  alone: boolean;
  json: boolean;
}

/** `sightline token add`: makes a token and prints it, alone on its line, so that it can be put into a file. */
export function tokenAddCommand(): Command {
  const command = new Command("add")
    .argument("<name>", "what the token is for")
    .addOption(roleOption("what it may do (default: what you may)"))
    .addOption(camerasOption("cameras that it sees (default: those that you see)"))
    .addOption(expiresOption())
    .option("--alone", "belongs to no user, and so outlives its maker; needs the role admin", false)
    .option("--json", "print it as JSON", false);
  return command.action(async (name: string, { role, cameras, expires, alone, json }: AddOptions) => {
    const settings = { role, cameras, expireTime: expires, alone };
    const { token, secret } = await withServer(command, (client) =>
      client.access.createToken(name, settings),
    );
    if (json) console.log(JSON.stringify({ ...tokenJson(token), token: secret }));
    else {
      process.stderr.write(`token ${tokenJson(token).id}; it is shown this once:\n`);
      console.log(secret);
    }
  });
}
