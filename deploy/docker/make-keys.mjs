// Makes the keys that are missing, of NATS's clients and of stored passwords, and gives each service its own alone.
import { randomBytes } from "node:crypto";
import { chownSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { natsIdentities } from "./packages/contracts/src/nats-permissions.ts";
import { authorizationFile, natsKeyFile, writeNatsKeys } from "./packages/service/src/nats-keys.ts";
import { makeSite, sitesDirectory } from "./packages/service/src/nats-sites.ts";
import { writePrivateFile } from "./packages/service/src/private-file.ts";
import { addSecretKey } from "./packages/service/src/secrets/secret-keys.ts";
import { writeServiceToken } from "./packages/service/src/service-token.ts";

const [all, server, ...services] = process.argv.slice(2);
/** The images' user, node. */
const owner = 1000;
const readPasswords = ["results", "ingest"];
/** Who reads which tokens: whoever calls with one, and results, which knows them by it. */
const tokens = { results: ["bridges", "metrics"], bridges: ["bridges"], prometheus: ["metrics"] };
/** Prometheus's image has a user of its own, nobody. */
const owners = { prometheus: 65534 };

// Of a centre: its sites. One that is there stays as it is, one that is named no more may not connect.
const sites = (process.env.SIGHTLINE_SITES ?? "").split(/[\s,]+/).filter(Boolean);
const missing = sites.filter((site) => !existsSync(join(sitesDirectory(all), `${site}.nk`)));
for (const site of missing)
  makeSite(all, site, {
    centre: `tls://${process.env.SIGHTLINE_CENTRE}`,
    caFile: process.env.SIGHTLINE_CENTRE_CA || undefined,
    replace: true,
  });
if (sites.length > 0 && existsSync(sitesDirectory(all)))
  for (const file of readdirSync(sitesDirectory(all)))
    if (!sites.includes(file.split(".")[0])) rmSync(join(sitesDirectory(all), file));
const made = [...writeNatsKeys(all), ...missing.map((site) => `the site ${site}`)];
const secrets = join(all, "secrets.key");
if (!existsSync(secrets)) {
  addSecretKey(secrets);
  made.push("passwords");
}
for (const service of ["bridges", "metrics"])
  if (!existsSync(join(all, `${service}.token`))) {
    writeServiceToken(join(all, `${service}.token`), service);
    made.push(`calls of ${service}`);
  }
const adminPassword = join(all, "admin-password");
if (!existsSync(adminPassword)) {
  writePrivateFile(adminPassword, `${randomBytes(18).toString("base64url")}\n`);
  made.push("the first admin");
}
console.log(made.length > 0 ? `made the keys of ${made.join(", ")}` : "all keys are there");
// In place of the old one at once: NATS may read it at any moment, and half of it would let in other clients.
const authorization = join(server, authorizationFile);
copyFileSync(join(all, authorizationFile), `${authorization}.new`);
chownSync(`${authorization}.new`, owner, owner);
renameSync(`${authorization}.new`, authorization);
// NATS runs as the same user; its data may be of before, when it ran as root.
const natsData = "/nats-data";
for (const path of existsSync(natsData) ? ["", ...readdirSync(natsData, { recursive: true })] : [])
  chownSync(join(natsData, path), owner, owner);
chownSync(server, owner, owner);
for (const directory of services) {
  const name = directory.split("/").at(-1);
  const user = owners[name] ?? owner;
  const files = natsIdentities.includes(name) ? [[natsKeyFile(all, name), "nats.nk"]] : [];
  if (readPasswords.includes(name)) files.push([secrets, "secrets.key"]);
  for (const service of tokens[name] ?? []) files.push([join(all, `${service}.token`), `${service}.token`]);
  if (name === "results") {
    files.push([adminPassword, "admin-password"]);
    rmSync(join(directory, "sites"), { recursive: true, force: true });
    if (sites.length > 0) {
      mkdirSync(join(directory, "sites"));
      chownSync(join(directory, "sites"), user, user);
    }
    for (const site of sites) files.push([join(sitesDirectory(all), `${site}.nk`), `sites/${site}.nk`]);
  }
  for (const [from, to] of files) {
    copyFileSync(from, join(directory, to));
    chownSync(join(directory, to), user, user);
  }
  chownSync(directory, user, user);
}
