import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { SealedSecret } from "@sightline/contracts";
import { setting } from "../config.ts";
import { SecretUnreadableError, SettingError } from "../errors.ts";
import { writePrivateFile } from "../private-file.ts";

/** The path of the keys of stored secrets. */
export const secretsKeyFileSetting = {
  env: "SIGHTLINE_SECRETS_KEY_FILE",
  schema: setting.optionalText(),
  help: "file with the keys that cameras' passwords are encrypted with; `sightline secrets rotate` makes and changes it",
} as const;

const algorithm = "aes-256-gcm";
const line = /^([0-9a-f]{8}) ([A-Za-z0-9+/]{43}=)$/;

/**
 * Keys from a file, one per line (`id base64`). The first key encrypts; the others decrypt older secrets. The file is read again when it
 * has changed. The encryption is AES-256 in Galois/Counter Mode (NIST SP 800-38D), bound to what the secret belongs to.
 */
export class SecretKeys {
  readonly path: string;
  #keys = new Map<string, Buffer>();
  #readAt = 0;

  private constructor(path: string) {
    this.path = path;
  }

  /** @throws SettingError the file cannot be read or contains no keys */
  static open(path: string): SecretKeys {
    const keys = new SecretKeys(path);
    keys.#read();
    return keys;
  }

  /** Id of the key that encrypts. */
  get current(): string {
    this.#refresh();
    return this.#keys.keys().next().value!;
  }

  /** `about`: what the secret belongs to; it cannot be decrypted for anything else. */
  seal(plain: Uint8Array, about: string): SealedSecret {
    const key = this.current;
    const nonce = randomBytes(12);
    const cipher = createCipheriv(algorithm, this.#keys.get(key)!, nonce).setAAD(Buffer.from(about));
    const data = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    return { key, nonce: nonce.toString("base64"), data: data.toString("base64") };
  }

  /** @throws SecretUnreadableError the key is not in the file, or the secret was changed or belongs to something else */
  open({ key: id, nonce, data }: SealedSecret, about: string): Uint8Array {
    if (!this.#keys.has(id)) this.#refresh();
    const key = this.#keys.get(id);
    if (!key)
      throw new SecretUnreadableError(
        `it is encrypted with the key ${id}, which is not in ${this.path}: put this key back into the file`,
      );
    const bytes = Buffer.from(data, "base64");
    try {
      const decipher = createDecipheriv(algorithm, key, Buffer.from(nonce, "base64"))
        .setAAD(Buffer.from(about))
        .setAuthTag(bytes.subarray(-16));
      return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
    } catch (cause) {
      throw new SecretUnreadableError("it was changed, or belongs to another camera", { cause });
    }
  }

  /** Reads a changed file; if it cannot be read, the present keys stay. */
  #refresh(): void {
    const changedAt = statSync(this.path, { throwIfNoEntry: false })?.mtimeMs;
    if (changedAt === undefined || changedAt === this.#readAt) return;
    try {
      this.#read();
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
    }
  }

  #read(): void {
    const { keys, changedAt } = readKeys(this.path);
    this.#keys = keys;
    this.#readAt = changedAt;
  }
}

/** @throws SettingError that names the file, and the line that is not a key */
function readKeys(path: string): { text: string; keys: Map<string, Buffer>; changedAt: number } {
  const fault = (why: string) => new SettingError(`${secretsKeyFileSetting.env} = ${path}: ${why}`);
  let text: string;
  let changedAt: number;
  try {
    changedAt = statSync(path).mtimeMs;
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw fault(
      `the file cannot be read (${(error as NodeJS.ErrnoException).code}). Restore it: without it the stored passwords cannot be read. Nothing is deleted`,
    );
  }
  const keys = new Map<string, Buffer>();
  for (const [index, content] of text.split("\n").entries()) {
    if (content.trim() === "" || content.startsWith("#")) continue;
    const [, id, key] = line.exec(content.trim()) ?? [];
    if (!id || !key)
      throw fault(`line ${index + 1} is not a key (8 hexadecimal digits, a space, 32 bytes in base64)`);
    keys.set(id, Buffer.from(key, "base64"));
  }
  if (keys.size === 0) throw fault("it contains no key");
  return { text, keys, changedAt };
}

/**
 * Adds a new key as the first in the file, and creates the file if it does not exist; only its owner can read it. Returns the key's id.
 * @throws SettingError the file exists and is not a file of keys
 */
export function addSecretKey(path: string): string {
  const id = randomBytes(4).toString("hex");
  const before = existsSync(path) ? readKeys(path).text : "";
  mkdirSync(dirname(path), { recursive: true });
  writePrivateFile(path, `${id} ${randomBytes(32).toString("base64")}\n${before}`);
  return id;
}
