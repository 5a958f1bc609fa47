import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection, nkeys, PermissionViolationError } from "@nats-io/transport-node";
import { type NatsIdentity, natsIdentities } from "@sightline/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findBuckets, openBuckets } from "./buckets.ts";
import { SettingError } from "./errors.ts";
import { createLogger } from "./log.ts";
import { connectNats, type Nats } from "./nats.ts";
import { accessOptions, type NatsAccess } from "./nats-access.ts";
import { authorizationFile, natsKeyFile, writeNatsKeys } from "./nats-keys.ts";
import { NatsServer } from "./testing/index.ts";

const log = createLogger("test", "fatal");
const open: Nats[] = [];
let server: NatsServer;
let keys: string;

beforeAll(async () => {
  server = await NatsServer.start((directory) => {
    keys = join(directory, "keys");
    writeNatsKeys(keys);
    return `include "keys/${authorizationFile}"`;
  });
});

afterAll(async () => {
  for (const { connection } of open) await connection.close();
  await server?.stop();
});

const accessOf = (identity: NatsIdentity): NatsAccess => ({
  natsUrl: server.url,
  natsNkeyFile: natsKeyFile(keys, identity),
});

async function connected(access: NatsAccess, name: string): Promise<Nats> {
  const nats = await connectNats(access, name, log);
  open.push(nats);
  return nats;
}

/** Whether the server lets the identity publish to the subject, or subscribe to it. */
async function allows(connection: NatsConnection, action: string, subject: string): Promise<boolean> {
  const error = await new Promise<Error | undefined>((resolve) => {
    if (action === "subscribe")
      connection.subscribe(subject, {
        callback: (refused) => {
          if (refused) resolve(refused);
        },
      });
    else connection.request(subject, "", { timeout: 5_000 }).catch(resolve);
    void connection.flush().then(() => connection.flush().then(() => resolve(undefined)));
  });
  if (error && findViolation(error)) return false;
  return true;
}

function findViolation(error: unknown): boolean {
  return error instanceof PermissionViolationError || (error instanceof Error && findViolation(error.cause));
}

/** What must stay closed, and to whom it is open. */
const matrix: readonly (readonly [what: string, action: string, subject: string, allowed: NatsIdentity[]])[] =
  [
    ["read passwords", "publish", "$JS.API.STREAM.MSG.GET.KV_camera-secrets", ["results", "ingest"]],
    [
      "read passwords directly",
      "publish",
      "$JS.API.DIRECT.GET.KV_camera-secrets.$KV.camera-secrets.a",
      ["results", "ingest"],
    ],
    [
      "follow passwords",
      "publish",
      "$JS.API.CONSUMER.CREATE.KV_camera-secrets.x.$KV.camera-secrets.>",
      ["results", "ingest"],
    ],
    ["hear passwords as they are stored", "subscribe", "$KV.camera-secrets.>", []],
    ["read users and tokens", "publish", "$JS.API.STREAM.MSG.GET.KV_access", ["results"]],
    ["read a token directly", "publish", "$JS.API.DIRECT.GET.KV_access.$KV.access.token.a", ["results"]],
    ["follow users and tokens", "publish", "$JS.API.CONSUMER.CREATE.KV_access.x.$KV.access.>", ["results"]],
    ["make a user", "publish", "$KV.access.user.a", ["results"]],
    ["change passwords", "publish", "$KV.camera-secrets.a", ["results"]],
    ["change cameras", "publish", "$KV.cameras.a", ["results"]],
    ["change rules", "publish", "$KV.camera-rules.a", ["results"]],
    ["take a camera's lease", "publish", "$KV.holders.camera.a", ["results", "ingest"]],
    ["hand a camera over", "publish", "handovers.camera.a", ["ingest"]],
    ["be given a camera", "subscribe", "handovers.camera.a", ["ingest"]],
    ["take a tracker's lease", "publish", "$KV.holders.tracker.a", ["results", "analysis"]],
    ["let a session of ingests live", "publish", "$KV.leases.session.camera.a", ["results", "ingest"]],
    ["let a session of trackers live", "publish", "$KV.leases.session.tracker.a", ["results", "analysis"]],
    ["announce a model", "publish", "$KV.models.m", ["results", "inference"]],
    ["decide which version of a model is served", "publish", "$KV.model-versions.m", ["results"]],
    ["mark events as reviewed", "publish", "$KV.event-reviews.a.e", ["results"]],
    ["make up detections", "publish", "detections.a", ["inference"]],
    ["make up a timeline", "publish", "timeline.a", ["results", "analysis"]],
    ["make up events", "publish", "events.a.e", ["results", "analysis"]],
    ["say where an analysis stands", "publish", "$KV.analysis-state.a", ["results", "analysis"]],
    ["keep pictures of events", "publish", "$O.snapshots.C.a", ["results", "analysis"]],
    ["ask for frames", "publish", "frames.get.a", ["inference"]],
    ["answer for frames", "subscribe", "frames.get.*", ["ingest"]],
    ["ask for pictures", "publish", "pictures.get.a", ["results", "analysis"]],
    ["read the timeline", "publish", "$JS.API.STREAM.MSG.GET.TIMELINE", ["results", "analysis"]],
    ["read events", "publish", "$JS.API.STREAM.MSG.GET.EVENTS", ["results", "analysis", "ingest"]],
    ["delete a stream", "publish", "$JS.API.STREAM.DELETE.DETECTIONS", ["results"]],
    ["purge a stream", "publish", "$JS.API.STREAM.PURGE.EVENTS", ["results"]],
    ["back up users and tokens", "publish", "$JS.API.STREAM.SNAPSHOT.KV_access", ["results"]],
    ["restore a stream", "publish", "$JS.SNAPSHOT.RESTORE.EVENTS.a", []],
    ["delete the work queue", "publish", "$JS.API.STREAM.DELETE.READY", ["results"]],
    [
      "delete a subscription's consumer",
      "publish",
      "$JS.API.CONSUMER.DELETE.EVENTS.subscription-a",
      ["results", "analysis", "ingest"],
    ],
    ["hear others' answers", "subscribe", "_INBOX.>", []],
    ["hear everything", "subscribe", ">", []],
  ];

describe("who may do what", () => {
  test.each(natsIdentities)("%s: what is declared, and nothing else", async (identity) => {
    const { connection } = await connected(accessOf(identity), identity);
    for (const [what, action, subject, allowed] of matrix)
      expect([what, await allows(connection, action, subject)]).toEqual([
        what,
        identity === "operator" || allowed.includes(identity),
      ]);
    // Nobody listens to another's answers.
    for (const other of natsIdentities.filter((each) => each !== identity && identity !== "operator"))
      expect(await allows(connection, "subscribe", `_INBOX.${other}.>`)).toBe(false);
  });

  test("buckets are made by results, and found by those that may not make them", async () => {
    const ingest = await connected(accessOf("ingest"), "ingest a");
    const waiting = findBuckets(ingest, ["cameras", "cameraSecrets"], log, AbortSignal.timeout(60_000));
    const results = await connected(accessOf("results"), "results");
    const made = await openBuckets(results.kv);
    const found = await waiting;
    await made.cameraSecrets.put("a", "user:password");
    expect((await found.cameraSecrets.get("a"))?.string()).toBe("user:password");
  });
});

describe("who is not let in", () => {
  test("without a key: what to set; with a wrong one: which file", async () => {
    await expect(connectNats(server.url, "results", log)).rejects.toThrow(
      /asks for a key: set SIGHTLINE_NATS_NKEY_FILE/,
    );
    const path = join(keys, "stranger.nk");
    writeFileSync(path, nkeys.createUser().getSeed());
    const stranger = connectNats({ natsUrl: server.url, natsNkeyFile: path }, "results", log);
    await expect(stranger).rejects.toThrow(SettingError);
    await expect(stranger).rejects.toThrow(`SIGHTLINE_NATS_NKEY_FILE = ${path}`);
  });

  test("a key that is withdrawn while it is used ends the connection, and works again when it is given back", async () => {
    const conf = join(keys, authorizationFile);
    const whole = readFileSync(conf, "utf8");
    const nats = await connected(accessOf("inference"), "inference a");
    writeFileSync(conf, whole.replace(/ {4}# inference\n[\s\S]*?\} \}\n/, ""));
    server.reload();
    await expect.poll(() => nats.refused()).toContain("does not know this key");
    expect(nats.connected()).toBe(false);
    writeFileSync(conf, whole);
    server.reload();
    await expect.poll(() => nats.connected()).toBe(true);
    expect(nats.refused()).toBeUndefined();
  });

  test("a key file that is lost: the service says which, goes on when it is back, and no data is touched", async () => {
    const access = accessOf("ingest");
    const nats = await connected(access, "ingest b");
    renameSync(access.natsNkeyFile!, `${access.natsNkeyFile}.away`);
    await server.down();
    await server.up();
    await expect(connectNats(access, "ingest c", log)).rejects.toThrow(
      `SIGHTLINE_NATS_NKEY_FILE = ${access.natsNkeyFile}: the file cannot be read (ENOENT)`,
    );
    renameSync(`${access.natsNkeyFile}.away`, access.natsNkeyFile!);
    await expect.poll(() => nats.connected()).toBe(true);
    const { cameraSecrets } = await findBuckets(nats, ["cameraSecrets"], log, AbortSignal.timeout(30_000));
    expect((await cameraSecrets.get("a"))?.string()).toBe("user:password");
  });
});

describe("the keys", () => {
  test("are their owner's alone, stay when they are there, and one that is no key is named", () => {
    for (const identity of natsIdentities)
      expect(statSync(natsKeyFile(keys, identity)).mode & 0o777).toBe(0o600);
    expect(statSync(keys).mode & 0o777).toBe(0o700);
    const before = readFileSync(natsKeyFile(keys, "results"));
    expect(readFileSync(join(keys, authorizationFile), "utf8")).not.toContain(before.toString().trim());
    const directory = mkdtempSync(join(tmpdir(), "sightline-keys-"));
    try {
      expect(writeNatsKeys(directory)).toEqual([...natsIdentities]);
      const key = readFileSync(natsKeyFile(directory, "results"));
      rmSync(natsKeyFile(directory, "ingest"));
      expect(writeNatsKeys(directory)).toEqual(["ingest"]);
      expect(readFileSync(natsKeyFile(directory, "results"))).toEqual(key);
      writeFileSync(natsKeyFile(directory, "results"), "no key");
      expect(() => writeNatsKeys(directory)).toThrow(/results\.nk contains no NATS key/);
      expect(readFileSync(natsKeyFile(directory, "results"), "utf8")).toBe("no key");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("two logins, half a certificate and a file that is not there are named", () => {
    const natsUrl = "nats://127.0.0.1:4222";
    const key = natsKeyFile(keys, "results");
    expect(() => accessOptions({ natsUrl, natsNkeyFile: key, natsCredsFile: key }, "results")).toThrow(
      "SIGHTLINE_NATS_NKEY_FILE and SIGHTLINE_NATS_CREDS_FILE are both set",
    );
    expect(() => accessOptions({ natsUrl, natsCertFile: key }, "results")).toThrow(
      "SIGHTLINE_NATS_CERT_FILE and SIGHTLINE_NATS_KEY_FILE must both be set",
    );
    expect(() => accessOptions({ natsUrl, natsCaFile: "/nowhere/ca.pem" }, "results")).toThrow(
      "SIGHTLINE_NATS_CA_FILE = /nowhere/ca.pem: the file cannot be read (ENOENT)",
    );
  });

  test("a user and password in the URL are used, and not shown to the server list", () => {
    const natsUrl = "nats://me:p%40ss@a:4222, nats://me:p%40ss@b:4222";
    expect(accessOptions({ natsUrl }, "results")).toMatchObject({
      servers: ["nats://a:4222", "nats://b:4222"],
      user: "me",
      pass: "p@ss",
    });
    expect(accessOptions({ natsUrl: "nats://secret@a" }, "results")).toMatchObject({ token: "secret" });
  });
});

test("TLS with certificates on both sides; a server that nobody vouches for is not talked to", async () => {
  let files = "";
  const tls = await NatsServer.start((directory) => {
    files = directory;
    const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: directory, stdio: "ignore" });
    const subject = (name: string) => [
      "-nodes",
      "-subj",
      `/CN=${name}`,
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
    ];
    openssl("req", "-x509", ...subject("ca"), "-keyout", "ca.key", "-out", "ca.pem");
    for (const name of ["server", "client"]) {
      writeFileSync(join(directory, "san"), "subjectAltName=IP:127.0.0.1,DNS:localhost");
      openssl("req", ...subject(name), "-keyout", `${name}.key`, "-out", `${name}.csr`);
      openssl(
        ...["x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
        ...["-extfile", "san", "-out", `${name}.pem`],
      );
    }
    return `tls { cert_file: "${directory}/server.pem", key_file: "${directory}/server.key", ca_file: "${directory}/ca.pem", verify: true }`;
  });
  try {
    const own = {
      natsUrl: tls.url,
      natsCaFile: join(files, "ca.pem"),
      natsCertFile: join(files, "client.pem"),
      natsKeyFile: join(files, "client.key"),
    };
    expect(existsSync(own.natsCertFile)).toBe(true);
    const nats = await connected(own, "results");
    expect((await nats.manager.getAccountInfo()).streams).toBe(0);
    const { natsCaFile: _, ...unvouched } = own;
    await expect(connect({ ...accessOptions(unvouched, "results"), timeout: 3_000 })).rejects.toThrow(
      /certificate/,
    );
    const { natsCertFile: __, natsKeyFile: ___, ...unnamed } = own;
    await expect(connect({ ...accessOptions(unnamed, "results"), timeout: 3_000 })).rejects.toThrow();
    await nats.connection.close();
  } finally {
    await tls.stop();
  }
});
