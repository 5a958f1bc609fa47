import { formatRules } from "@sightline/rules";
import { Command } from "commander";
import { warnUncheckedClasses } from "../camera/camera-view.ts";
import { readRulesFile } from "../rules/read-rules-file.ts";
import { withServer } from "../server-connection.ts";

/** `sightline rules set`: replaces a camera's zones, lines and rules by those in a file. */
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

/** `sightline rules check`: says what is wrong with a rules file; it needs no server. */
export function rulesCheckCommand(): Command {
  return new Command("check")
    .argument("<file>", "rules in JSON or YAML (docs/rules.md)")
    .action(async (file: string) => {
      await readRulesFile(file);
      console.log(`${file} is in order`);
    });
}
