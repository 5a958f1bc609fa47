import { readFile } from "node:fs/promises";
import { parseRulesFile } from "@sightline/rules";
import { Command } from "commander";

/** `sightline rules check`: says what is wrong with a rules file, all at once; needs no server. */
export function rulesCheckCommand(): Command {
  return new Command("check")
    .argument("<file>", "rules in JSON or YAML (docs/rules.md)")
    .action(async (file: string) => {
      parseRulesFile(await readFile(file, "utf8"), file);
      console.log(`${file} is in order`);
    });
}
