// Makes the keys that are missing, of NATS's clients and of stored passwords, and gives each service its own alone.
import { chownSync, copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { authorizationFile, natsKeyFile, writeNatsKeys } from "./packages/service/src/nats-keys.ts";
import { addSecretKey } from "./packages/service/src/secrets/secret-keys.ts";

const [all, server, ...services] = process.argv.slice(2);
/** The images' user, node. */
const owner = 1000;
const readPasswords = ["results", "ingest"];

const made = writeNatsKeys(all);
const secrets = join(all, "secrets.key");
if (!existsSync(secrets)) {
  addSecretKey(secrets);
  made.push("passwords");
}
console.log(made.length > 0 ? `made the keys of ${made.join(", ")}` : "all keys are there");
copyFileSync(join(all, authorizationFile), join(server, authorizationFile));
for (const directory of services) {
  const name = directory.split("/").at(-1);
  const files = [[natsKeyFile(all, name), "nats.nk"]];
  if (readPasswords.includes(name)) files.push([secrets, "secrets.key"]);
  for (const [from, to] of files) {
    copyFileSync(from, join(directory, to));
    chownSync(join(directory, to), owner, owner);
  }
  chownSync(directory, owner, owner);
}
