import { join, resolve } from "node:path";
import {
  addSecretKey,
  authorizationFile,
  centreDomain,
  centreFile,
  makeSite,
  natsKeyFile,
  sitesDirectory,
  writeNatsKeys,
} from "@sightline/service";
import { secretsKeyName } from "@sightline/stack";
import { Command } from "commander";

/** `sightline nats keys`: access rights for a NATS server that Sightline shares with others, or that `up` does not start. */
export function natsKeysCommand(): Command {
  return new Command("keys")
    .description("make the services' NATS keys, and the part of the server's configuration that knows them")
    .option("--out <directory>", "directory of the keys; missing ones are made there", "nats-keys")
    .action(({ out }: { out: string }) => {
      const directory = resolve(out);
      const made = writeNatsKeys(directory);
      const lines = [
        made.length > 0 ? `made the keys of ${made.join(", ")}` : "all keys are there",
        `  keys      ${natsKeyFile(directory, "results")} and others: give each service its own by SIGHTLINE_NATS_NKEY_FILE`,
        `  server    ${join(directory, authorizationFile)}: include it in the NATS server's configuration, then nats-server --signal reload`,
      ];
      console.log(lines.join("\n"));
    });
}

interface Options {
  out: string;
  centre: string;
  centreCa?: string;
  replace?: boolean;
}

/** `sightline nats site`: the configuration by which a site's and its centre's NATS servers know each other. */
export function natsSiteCommand(): Command {
  return new Command("site")
    .description("make the keys by which a site and its centre know each other; run it at the centre")
    .argument("<name>", "1 to 24 of a–z and 0–9; comes before the names of the site's cameras at the centre")
    .requiredOption(
      "--centre <url>",
      "where the site's NATS server reaches the centre's, such as tls://centre.example.org:7422",
    )
    .option(
      "--centre-ca <file>",
      "certificates that the centre's is checked with, as a path at the site (default: the system's)",
    )
    .option("--out <directory>", "the centre's keys, of `nats keys` or `up`", "nats-keys")
    .option(
      "--replace",
      "make new keys and a new file for an existing site; the old ones no longer work then",
    )
    .action((name: string, { out, centre, centreCa, replace }: Options) => {
      const directory = resolve(out);
      const file = makeSite(directory, name, { centre, caFile: centreCa, replace });
      writeNatsKeys(directory);
      const lines = [
        `made the keys of the site ${name}`,
        `  site      ${file}: bring it to the site, and include it there in the NATS server's configuration, above jetstream { domain: $SITE };`,
        `            for up at the site it is .sightline/nats-keys/site.conf, and nothing else is needed`,
        `  centre    ${join(directory, authorizationFile)} and ${join(directory, centreFile)}: include them here, with jetstream { domain: ${centreDomain} };`,
        `            up includes those in .sightline/nats-keys. Then start NATS again, and results with SIGHTLINE_SITES_DIRECTORY=${sitesDirectory(directory)}`,
        "see docs/edge.md",
      ];
      console.log(lines.join("\n"));
    });
}

/** `sightline secrets rotate`: a new key for encrypted data; running services start to use it without a restart. */
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
