import { formatRules } from "@sightline/rules";
import { Command } from "commander";
import { withServer } from "../server-connection.ts";

/** `sightline rules get`: a camera's zones, lines and rules, in the form of a rules file. */
export function rulesGetCommand(): Command {
  const command = new Command("get")
    .argument("<camera>", "the camera")
    .option("--etag", "print the etag alone, for `rules set --etag`", false);
  return command.action(async (camera: string, options: { etag: boolean }) => {
    const rules = await withServer(command, (client) => client.rules.get(camera));
    const { etag, ...file } = formatRules(rules);
    console.log(options.etag ? etag : JSON.stringify(file, null, 2));
  });
}
