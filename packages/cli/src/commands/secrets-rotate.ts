import { join, resolve } from "node:path";
import { addSecretKey } from "@sightline/service";
import { secretsKeyName } from "@sightline/stack";
import { Command } from "commander";

/** `sightline secrets rotate`: a new key for what is stored encrypted; running services take it up by themselves. */
export function secretsRotateCommand(): Command {
  return new Command("rotate")
    .description("add a new key to the file of keys; results then encrypts every password with it")
    .option(
      "--key-file <file>",
      "the file of keys, as SIGHTLINE_SECRETS_KEY_FILE names it; made when it is missing",
      process.env.SIGHTLINE_SECRETS_KEY_FILE || join(".sightline", secretsKeyName),
    )
    .action(({ keyFile }: { keyFile: string }) => {
      const path = resolve(keyFile);
      const id = addSecretKey(path);
      console.log(
        `added the key ${id} to ${path}\nresults encrypts with it within 5 s, and says so in its log; older keys may be removed from the file then`,
      );
    });
}
