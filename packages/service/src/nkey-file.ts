import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { nkeys } from "@nats-io/transport-node";
import { ServiceError } from "./errors.ts";

/** The public key of a file's key; undefined when there is no file. @throws ServiceError nats_key_unreadable */
export function knownKey(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const key = nkeys.fromSeed(readFileSync(path).subarray(0, 58)).getPublicKey();
    chmodSync(path, 0o600);
    return key;
  } catch (error) {
    throw new ServiceError(
      "nats_key_unreadable",
      `${path} contains no NATS key (${(error as Error).message}): restore the key, or remove the file so that a new one is made`,
      { cause: error },
    );
  }
}

/** Creates a key in a new file, and returns its public part. */
export function makeKey(path: string): string {
  const pair = nkeys.createUser();
  writeFileSync(path, `${new TextDecoder().decode(pair.getSeed())}\n`, { mode: 0o600, flag: "wx" });
  return pair.getPublicKey();
}
