import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type CallingService, callingServices, writeServiceToken } from "@sightline/service";
import { Argument, Command } from "commander";
import { camerasOption, expiresOption, type RoleName, roleOption } from "../access/access-options.ts";
import { tokenJson, tokenTable } from "../access/access-view.ts";
import { CliError } from "../errors.ts";
import { withServer } from "../server-connection.ts";

interface AddOptions {
  role?: RoleName;
  cameras?: string[];
  expires?: Date;
  alone: boolean;
  json: boolean;
}

/** `sightline token add`: creates a token and prints it, alone on its line, so that it can be written to a file. */
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

/** `sightline token list`: tokens, without their secrets. */
export function tokenListCommand(): Command {
  const command = new Command("list").option("--json", "print a JSON array", false);
  return command.action(async (options: { json: boolean }) => {
    const tokens = await withServer(command, (client) => Array.fromAsync(client.access.tokens()));
    if (options.json) console.log(JSON.stringify(tokens.map(tokenJson)));
    else
      console.log(
        tokens.length === 0 ? "no tokens; make one with ./sightline token add NAME" : tokenTable(tokens),
      );
  });
}

/** `sightline token revoke`: makes a token invalid. */
export function tokenRevokeCommand(): Command {
  const command = new Command("revoke")
    .argument("<id>", "the token, as token list names it")
    .option("--json", "print the outcome as JSON", false);
  return command.action(async (id: string, options: { json: boolean }) => {
    await withServer(command, (client) => client.access.deleteToken(id));
    console.log(options.json ? JSON.stringify({ id, revoked: true }) : `token ${id} is revoked`);
  });
}

/** `sightline token file`: the token for calls between services that `up` does not start; both sides read the file. */
export function tokenFileCommand(): Command {
  return new Command("file")
    .addArgument(new Argument("<service>", "whose token it is").choices(callingServices))
    .argument("<file>", "where it is written")
    .option("--force", "replace an existing token; results then accepts the new one only", false)
    .action((service: CallingService, file: string, { force }: { force: boolean }) => {
      const path = resolve(file);
      if (!force && existsSync(path))
        throw new CliError("output_unusable", `${path} is there already; --force replaces it`);
      writeServiceToken(path, service);
      console.log(`wrote ${path}: name it in SIGHTLINE_${service.toUpperCase()}_TOKEN_FILE`);
    });
}
