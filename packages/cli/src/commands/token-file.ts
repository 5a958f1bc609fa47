import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type CallingService, callingServices, writeServiceToken } from "@sightline/service";
import { Argument, Command } from "commander";

/** `sightline token file`: what services call with that `up` does not start; both sides read the file. */
export function tokenFileCommand(): Command {
  return new Command("file")
    .addArgument(new Argument("<service>", "whose token it is").choices(callingServices))
    .argument("<file>", "where it is written")
    .option("--force", "replace a token that is there; results then takes the new one only", false)
    .action((service: CallingService, file: string, { force }: { force: boolean }) => {
      const path = resolve(file);
      if (!force && existsSync(path)) throw new Error(`${path} is there already; --force replaces it`);
      writeServiceToken(path, service);
      console.log(`wrote ${path}: name it in SIGHTLINE_${service.toUpperCase()}_TOKEN_FILE`);
    });
}
