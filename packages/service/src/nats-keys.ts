import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { type NatsIdentity, natsIdentities, natsPermissions } from "@sightline/contracts";
import { writePrivateFile } from "./private-file.ts";

/** The part of a NATS server's configuration that `writeNatsKeys` writes. */
export const authorizationFile = "authorization.conf";

/** A key file that holds no key; nothing was changed. */
export class NatsKeyError extends Error {
  override readonly name = "NatsKeyError";
}

/** The file of an identity's key in a directory of keys. */
export function natsKeyFile(directory: string, identity: NatsIdentity): string {
  return join(directory, `${identity}.nk`);
}

/**
 * Makes the keys of all identities that are missing in a directory, and the server's list of who may do what. Keys that are
 * there stay. Files are readable by their owner alone. Returns the identities whose key was made.
 * @throws NatsKeyError a file that should hold a key does not
 */
export function writeNatsKeys(directory: string): NatsIdentity[] {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const known = natsIdentities.map((identity) => ({ identity, key: knownKey(directory, identity) }));
  const users = known.map(({ identity, key }) => ({
    identity,
    key: key ?? makeKey(natsKeyFile(directory, identity)),
  }));
  writePrivateFile(join(directory, authorizationFile), authorization(users));
  return known.filter(({ key }) => key === undefined).map(({ identity }) => identity);
}

function knownKey(directory: string, identity: NatsIdentity): string | undefined {
  const path = natsKeyFile(directory, identity);
  if (!existsSync(path)) return undefined;
  try {
    const key = nkeys.fromSeed(readFileSync(path).subarray(0, 58)).getPublicKey();
    chmodSync(path, 0o600);
    return key;
  } catch (error) {
    throw new NatsKeyError(
      `${path} holds no NATS key (${(error as Error).message}): put the key back, or remove the file to have a new one made`,
    );
  }
}

function makeKey(path: string): string {
  const pair = nkeys.createUser();
  writeFileSync(path, `${new TextDecoder().decode(pair.getSeed())}\n`, { mode: 0o600, flag: "wx" });
  return pair.getPublicKey();
}

/** The block `authorization` of a NATS server's configuration, with public keys only. */
function authorization(users: readonly { identity: NatsIdentity; key: string }[]): string {
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
  return `authorization {\n  users: [\n${blocks.join("\n")}\n  ]\n}\n`;
}
