// Makes the keys by which NATS knows the services, where they are missing, and gives each service its own alone.
import { chownSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { authorizationFile, natsKeyFile, writeNatsKeys } from "./packages/service/src/nats-keys.ts";

const [all, server, ...services] = process.argv.slice(2);
/** The images' user, node. */
const owner = 1000;

const made = writeNatsKeys(all);
console.log(made.length > 0 ? `made the keys of ${made.join(", ")}` : "all keys are there");
copyFileSync(join(all, authorizationFile), join(server, authorizationFile));
for (const directory of services) {
  const name = directory.split("/").at(-1);
  const target = join(directory, "nats.nk");
  copyFileSync(natsKeyFile(all, name), target);
  for (const path of [directory, target]) chownSync(path, owner, owner);
}
