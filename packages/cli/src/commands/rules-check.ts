import { Command } from "commander";
import { readRulesFile } from "../rules/read-rules-file.ts";

/** `sightline rules check`: says what is wrong with a rules file; needs no server. */
export function rulesCheckCommand(): Command {
  return new Command("check")
    .argument("<file>", "rules in JSON or YAML (docs/rules.md)")
    .action(async (file: string) => {
      await readRulesFile(file);
      console.log(`${file} is in order`);
    });
}
