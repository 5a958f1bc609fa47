import { Command } from "commander";
import { withServer } from "../server-connection.ts";

/** `sightline token revoke`: a token is worth nothing from then on. */
export function tokenRevokeCommand(): Command {
  const command = new Command("revoke")
    .argument("<id>", "the token, as token list names it")
    .option("--json", "print the outcome as JSON", false);
  return command.action(async (id: string, options: { json: boolean }) => {
    await withServer(command, (client) => client.access.deleteToken(id));
    console.log(options.json ? JSON.stringify({ id, revoked: true }) : `token ${id} is revoked`);
  });
}
