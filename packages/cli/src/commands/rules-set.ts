import { Command } from "commander";
import { warnUncheckedClasses } from "../camera/unchecked-classes.ts";
import { readRulesFile } from "../rules/read-rules-file.ts";
import { withServer } from "../server-connection.ts";

/** `sightline rules set`: replaces a camera's zones, lines and rules by those of a file. */
export function rulesSetCommand(): Command {
  const command = new Command("set")
    .argument("<camera>", "the camera")
    .argument("<file>", "rules in JSON or YAML (docs/rules.md)")
    .option("--etag <etag>", "only if the rules have not changed since (from `rules get --etag`)");
  return command.action(async (camera: string, file: string, options: { etag?: string }) => {
    const settings = await readRulesFile(file);
    const rules = await withServer(command, (client) =>
      client.rules.update(
        camera,
        { ...settings, etag: options.etag ?? "" },
        { onUncheckedClasses: warnUncheckedClasses },
      ),
    );
    const count = (many: unknown[], word: string) => `${many.length} ${word}${many.length === 1 ? "" : "s"}`;
    console.log(
      `${camera} has ${count(rules.zones, "zone")}, ${count(rules.lines, "line")}, ${count(rules.rules, "rule")}`,
    );
  });
}
