import { Command } from "commander";
import { tokenJson, tokenTable } from "../access/access-view.ts";
import { withServer } from "../server-connection.ts";

/** `sightline token list`: tokens without what proves them. */
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
