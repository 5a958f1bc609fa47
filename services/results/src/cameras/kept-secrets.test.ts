import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeJson } from "@sightline/contracts";
import {
  addSecretKey,
  type Buckets,
  CameraSecrets,
  connectNats,
  createLogger,
  type Nats,
  openBuckets,
  SecretKeys,
} from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KeptSecrets } from "./kept-secrets.ts";

const log = createLogger("test", "fatal");
const directory = mkdtempSync(join(tmpdir(), "sightline-secrets-"));
const keyFile = join(directory, "secrets.key");
const secret = { username: "admin", password: "hunter2-in-the-store" };
let server: NatsServer;
let nats: Nats;
let buckets: Buckets;

beforeAll(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "results", log);
  buckets = await openBuckets(nats.kv);
});

afterAll(async () => {
  await nats?.connection.close();
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** As `strings` would find it: in any file below NATS's directory, a deleted message's remains too. */
async function inStore(text: string): Promise<boolean> {
  // What was confirmed is in the file, or in the server's own buffer until it ends.
  await server.down();
  const files = await readdir(server.directory, { recursive: true, withFileTypes: true });
  let found = false;
  for (const file of files.filter((each) => each.isFile()))
    found ||= (await readFile(join(file.parentPath, file.name))).includes(text);
  await server.up();
  await expect.poll(() => nats.connected()).toBe(true);
  return found;
}

async function kept(keys: SecretKeys): Promise<CameraSecrets> {
  const secrets = new CameraSecrets(buckets, keys, log);
  const keeper = new KeptSecrets(nats, secrets, keys, log);
  await keeper.start();
  await keeper.stop();
  return secrets;
}

test("an unencrypted store is taken over, and nothing of it can be read in NATS's files, of deleted cameras neither", async () => {
  const plain = new CameraSecrets(buckets, undefined, log);
  await plain.put("front", { username: "admin", password: "an-older-password" });
  await plain.put("front", secret);
  await plain.put("gone", { username: "admin", password: "of-a-deleted-camera" });
  await plain.delete("gone");
  expect(await plain.get("front")).toEqual(secret);
  expect(await inStore(secret.password)).toBe(true);
  expect(await inStore("of-a-deleted-camera")).toBe(true);

  addSecretKey(keyFile);
  const secrets = await kept(SecretKeys.open(keyFile));
  expect(await secrets.get("front")).toEqual(secret);
  expect(await secrets.get("gone")).toBeUndefined();
  for (const text of [secret.password, "an-older-password", "of-a-deleted-camera", secret.username])
    expect([text, await inStore(text)]).toEqual([text, false]);
});

test("a secret opens for its own camera only, and not when a bit of it was changed", async () => {
  const secrets = new CameraSecrets(buckets, SecretKeys.open(keyFile), log);
  await secrets.put("front", secret);
  const stored = (await buckets.cameraCredentials.get("front"))!;
  await buckets.cameraCredentials.put("other", stored.value);
  await expect(secrets.get("other")).rejects.toThrow("it was changed, or belongs to another camera");
  const sealed = stored.json<{ data: string }>();
  const bytes = Buffer.from(sealed.data, "base64");
  bytes[0]! ^= 1;
  await buckets.cameraCredentials.put("other", encodeJson({ ...sealed, data: bytes.toString("base64") }));
  await expect(secrets.get("other")).rejects.toThrow("it was changed");
  await secrets.delete("other");
  expect(await secrets.get("other")).toBeUndefined();
});

test("a new key is taken up while all run: what is stored is encrypted with it, then the old one may go", async () => {
  const ofIngest = new CameraSecrets(buckets, SecretKeys.open(keyFile), log);
  const keys = SecretKeys.open(keyFile);
  const secrets = await kept(keys);
  const key = addSecretKey(keyFile);
  await kept(keys);
  expect((await buckets.cameraCredentials.get("front"))!.json()).toMatchObject({ key });
  expect(await ofIngest.get("front")).toEqual(secret);
  writeFileSync(keyFile, readFileSync(keyFile, "utf8").split("\n")[0]!);
  expect(await new CameraSecrets(buckets, SecretKeys.open(keyFile), log).get("front")).toEqual(secret);
  expect(await secrets.get("front")).toEqual(secret);
});

test("without the key: what is missing is said, nothing is deleted, and all is well when it is back", async () => {
  const away = `${keyFile}.away`;
  renameSync(keyFile, away);
  expect(() => SecretKeys.open(keyFile)).toThrow(
    /SIGHTLINE_SECRETS_KEY_FILE = .*: the file cannot be read \(ENOENT\). Restore it: .* Nothing is deleted/,
  );
  const unset = new CameraSecrets(buckets, undefined, log);
  await expect(unset.get("front")).rejects.toThrow(
    /encrypted with the key [0-9a-f]{8}, but SIGHTLINE_SECRETS_KEY_FILE is not set/,
  );
  addSecretKey(keyFile);
  const other = await kept(SecretKeys.open(keyFile));
  await expect(other.get("front")).rejects.toThrow(/which is not in .*: put this key back into the file/);
  writeFileSync(keyFile, readFileSync(away));
  expect(await other.get("front")).toEqual(secret);
});

test("a file of keys is its owner's alone; a line that is no key is named, and the file left as it is", () => {
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  const path = join(directory, "broken.key");
  writeFileSync(path, "# mine\nnonsense\n");
  expect(() => SecretKeys.open(path)).toThrow("line 2 is not a key");
  expect(() => addSecretKey(path)).toThrow("line 2 is not a key");
  expect(readFileSync(path, "utf8")).toBe("# mine\nnonsense\n");
});
