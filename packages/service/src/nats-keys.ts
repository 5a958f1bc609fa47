import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type NatsIdentity, natsIdentities, natsPermissions } from "@sightline/contracts";
import { siteUsers } from "./nats-sites.ts";
import { knownKey, makeKey } from "./nkey-file.ts";
import { writePrivateFile } from "./private-file.ts";

/** The part of a NATS server's configuration that `writeNatsKeys` writes. */
export const authorizationFile = "authorization.conf";

/** The path of an identity's key in a directory of keys. */
export function natsKeyFile(directory: string, identity: NatsIdentity): string {
  return join(directory, `${identity}.nk`);
}

/**
 * Creates the missing keys of all identities in a directory, and the server's list of permissions, including the sites of `makeSite`.
 * Existing keys stay. Only the owner can read the files. Returns the identities whose key was created.
 * @throws ServiceError nats_key_unreadable: a file that should hold a key does not
 */
export function writeNatsKeys(directory: string): NatsIdentity[] {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const known = natsIdentities.map((identity) => ({
    identity,
    key: knownKey(natsKeyFile(directory, identity)),
  }));
  const users = known.map(({ identity, key }) => ({
    identity,
    key: key ?? makeKey(natsKeyFile(directory, identity)),
  }));
  writePrivateFile(join(directory, authorizationFile), authorization(users, siteUsers(directory)));
  return known.filter(({ key }) => key === undefined).map(({ identity }) => identity);
}

/** The `authorization` block of a NATS server's configuration, with public keys and hashes of the sites' passwords. */
function authorization(
  users: readonly { identity: NatsIdentity; key: string }[],
  sites: readonly { name: string; entry: string }[],
): string {
  const blocks = users.map(({ identity, key }) => {
    const { publish, subscribe } = natsPermissions[identity];
    return [
      `    # ${identity}`,
      `    { nkey: ${key}, permissions: {`,
      `      publish: ${JSON.stringify(publish)}`,
      `      subscribe: ${JSON.stringify(subscribe)}`,
      "    } }",
    ].join("\n");
  });
  blocks.push(...sites.map(({ name, entry }) => `    # ${name}\n    ${entry}`));
  return `authorization {\n  users: [\n${blocks.join("\n")}\n  ]\n}\n`;
}
