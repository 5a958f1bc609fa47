import type { JetStreamManager } from "@nats-io/jetstream";
import type { KV, KvEntry } from "@nats-io/kv";
import {
  type CameraSecret,
  cameraSecretSchema,
  decodeJson,
  encodeJson,
  sealedSecretSchema,
} from "@sightline/contracts";
import type { Buckets } from "../buckets.ts";
import { SecretUnreadableError } from "../errors.ts";
import { isJetStreamFailure } from "../jetstream-errors.ts";
import { storedKeys } from "../kv-mirror.ts";
import type { Logger } from "../log.ts";
import type { SecretKeys } from "./secret-keys.ts";

/**
 * Users and passwords of cameras. With keys, they are stored encrypted in a bucket of their own; what is still in the bucket of plain ones
 * is read too. Methods throw when NATS does not answer.
 */
export class CameraSecrets {
  readonly #plain: KV;
  readonly #sealed: KV;
  readonly #keys: SecretKeys | undefined;
  readonly #log: Logger;

  constructor(
    buckets: Pick<Buckets, "cameraSecrets" | "cameraCredentials">,
    keys: SecretKeys | undefined,
    log: Logger,
  ) {
    this.#plain = buckets.cameraSecrets;
    this.#sealed = buckets.cameraCredentials;
    this.#keys = keys;
    this.#log = log;
  }

  /** @throws SecretUnreadableError */
  async get(camera: string): Promise<CameraSecret | undefined> {
    const sealed = await stored(this.#sealed, camera);
    if (sealed) return this.#open(camera, sealed);
    const plain = await stored(this.#plain, camera);
    if (plain) return decodeJson(cameraSecretSchema, plain.value);
    // It may just have been moved.
    const moved = await stored(this.#sealed, camera);
    return moved && this.#open(camera, moved);
  }

  async put(camera: string, secret: CameraSecret): Promise<void> {
    if (!this.#keys) {
      this.#log.warn(
        { camera },
        "the camera's password is stored unencrypted: set SIGHTLINE_SECRETS_KEY_FILE (docs/security.md)",
      );
      await this.#plain.put(camera, encodeJson(secret));
      return;
    }
    await this.#sealed.put(camera, encodeJson(this.#keys.seal(encodeJson(secret), camera)));
    if (await stored(this.#plain, camera)) await this.#plain.delete(camera);
  }

  async delete(camera: string): Promise<void> {
    for (const bucket of [this.#plain, this.#sealed])
      if (await stored(bucket, camera)) await bucket.delete(camera);
  }

  /** Encrypts all plain secrets; returns how many there were. Nothing is lost if it is interrupted. */
  async sealPlain(manager: Pick<JetStreamManager, "streams">): Promise<number> {
    const keys = this.#keys;
    if (!keys) return 0;
    let count = 0;
    for (const camera of await storedKeys(manager, this.#plain)) {
      const entry = await stored(this.#plain, camera);
      if (!entry) continue;
      const sealed = encodeJson(keys.seal(entry.value, camera));
      await unlessRaced(() => this.#sealed.create(camera, sealed));
      await this.#plain.delete(camera);
      count += 1;
    }
    return count;
  }

  /** Encrypts secrets with an older key again with the newest one; returns how many there were and which cannot be read. */
  async sealAnew(
    manager: Pick<JetStreamManager, "streams">,
  ): Promise<{ sealed: number; unreadable: Map<string, string> }> {
    const keys = this.#keys;
    const unreadable = new Map<string, string>();
    let count = 0;
    for (const camera of await storedKeys(manager, this.#sealed)) {
      const entry = await stored(this.#sealed, camera);
      if (!entry) continue;
      const sealed = decodeJson(sealedSecretSchema, entry.value);
      if (sealed.key === keys?.current) continue;
      try {
        if (!keys) throw withoutKeys(sealed.key);
        const anew = encodeJson(keys.seal(keys.open(sealed, camera), camera));
        await unlessRaced(() => this.#sealed.update(camera, anew, entry.revision));
        count += 1;
      } catch (error) {
        if (!(error instanceof SecretUnreadableError)) throw error;
        unreadable.set(camera, error.message);
      }
    }
    return { sealed: count, unreadable };
  }

  #open(camera: string, entry: KvEntry): CameraSecret {
    const sealed = decodeJson(sealedSecretSchema, entry.value);
    if (!this.#keys) throw withoutKeys(sealed.key);
    return decodeJson(cameraSecretSchema, this.#keys.open(sealed, camera));
  }
}

function withoutKeys(key: string): SecretUnreadableError {
  return new SecretUnreadableError(
    `it is encrypted with the key ${key}, but SIGHTLINE_SECRETS_KEY_FILE is not set: set it to the file with this key`,
  );
}

async function stored(bucket: KV, key: string): Promise<KvEntry | undefined> {
  const entry = await bucket.get(key);
  return entry?.operation === "PUT" ? entry : undefined;
}

/** If another process or a change of the camera came first, what it wrote stays. */
async function unlessRaced(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isJetStreamFailure(error, "wrongLastSequence")) throw error;
  }
}
