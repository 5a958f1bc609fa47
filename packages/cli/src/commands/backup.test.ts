import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type SightlineClient } from "@sightline/client";
import { Event, EventPhase, EventType, subjects } from "@sightline/contracts";
import { addSecretKey, connectNats, createLogger } from "@sightline/service";
import { freePort, NatsServer } from "@sightline/service/testing";
import { ServiceProcess } from "@sightline/stack/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ResultsProcess, runCommand } from "../testing/command-line.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-backup-"));
const file = join(directory, "backup.tar");
const env = { SIGHTLINE_SECRETS_KEY_FILE: join(directory, "secrets.key") };
let token = "";
let before: ResultsProcess;
let empty: NatsServer;

beforeAll(async () => {
  addSecretKey(env.SIGHTLINE_SECRETS_KEY_FILE);
  [before, empty] = await Promise.all([ResultsProcess.start(env), NatsServer.start()]);
});
afterAll(async () => {
  await before?.stop();
  await empty?.stop();
  rmSync(directory, { recursive: true });
});

const at = (nats: NatsServer) => ({ SIGHTLINE_NATS_URL: nats.url });

/** A store with something of each kind. */
async function fill(): Promise<void> {
  const client = connect(before.address);
  await client.cameras.register("front", {
    ...{ uri: "rtsp://viewer:s3cret@127.0.0.1:1/front", recordUri: "rtsp://127.0.0.1:1/main" },
    ...{ weight: 2, floorFps: 3, priority: 1 },
  });
  await client.rules.update("front", { ...(await client.rules.get("front")), zones: [], lines: [] });
  await client.subscriptions.create("alarm", { kind: "events", start: "beginning" });
  const nats = await connectNats(before.nats.url, "test", createLogger("test", "fatal"));
  for (const id of ["e1", "e2", "e3"]) {
    const event = Event.fromPartial({
      name: `cameras/front/events/${id}`,
      type: EventType.APPEARED,
      phase: EventPhase.START,
      revision: 1,
      startTime: { seconds: Math.floor(Date.now() / 1000), nanos: 0 },
    });
    await nats.jetstream.publish(subjects.event("front", id), Event.encode(event).finish());
  }
  await nats.connection.close();
  // One event is read and acknowledged: the others wait.
  for await (const message of client.subscriptions.consume("alarm")) {
    if (message.kind === "gap") continue;
    await message.ack();
    break;
  }
  await client.access.createUser("anna", { role: "admin", password: "correct horse battery" });
  token = (await client.access.logIn("anna", "correct horse battery")).secret;
  client.close();
}

/** What the API tells of everything. */
async function told(client: SightlineClient): Promise<unknown> {
  const all = async <T>(list: AsyncIterable<T>) => {
    const found: T[] = [];
    for await (const each of list) found.push(each);
    return found;
  };
  return {
    cameras: (await all(client.cameras.list())).map(({ status: _, ...camera }) => camera),
    rules: await client.rules.get("front"),
    users: (await all(client.access.users())).map(({ lastLoginTime: _, ...user }) => user),
    tokens: (await all(client.access.tokens())).map(({ lastUseTime: _, ...each }) => each),
    events: await all(client.events.list()),
    subscription: await client.subscriptions.get("alarm"),
  };
}

test("a backup is restored into an empty NATS: the API tells the same, tokens count, subscriptions go on", async () => {
  await fill();
  const client = connect(before.address, { token });
  const expected = await told(client);
  expect(expected).toMatchObject({ cameras: [{ weight: 2, floorFps: 3, priority: 1 }] });
  client.close();
  expect(await runCommand(["backup", file], at(before.nats))).toMatchObject({ code: 0, stderr: "" });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file).includes("s3cret")).toBe(false);

  const restored = await runCommand(["restore", file], at(empty));
  expect(restored).toMatchObject({ code: 0, stderr: "" });
  expect(restored.stdout).toMatch(/EVENTS +3 messages/);
  const address = `127.0.0.1:${await freePort()}`;
  const after = await ServiceProcess.start("results", "results is ready", {
    ...env,
    ...at(empty),
    SIGHTLINE_GRPC: address,
    SIGHTLINE_RESULTS_HTTP: `127.0.0.1:${await freePort()}`,
  });
  const other = connect(address, { token });
  expect(await told(other)).toEqual(expected);
  const next: string[] = [];
  for await (const message of other.subscriptions.consume("alarm")) {
    if (message.kind === "event") next.push(message.event.name);
    if (message.kind !== "gap") await message.ack();
    if (next.length === 2) break;
  }
  expect(next).toEqual(["cameras/front/events/e2", "cameras/front/events/e3"]);
  other.close();

  const again = (...more: string[]) => runCommand(["restore", file, ...more], at(empty));
  expect((await again("--replace")).stderr).toMatch(/services are using this NATS/);
  await after.end("SIGTERM");
  // What the service held is forgotten some seconds later.
  await expect
    .poll(async () => (await again()).stderr)
    .toMatch(/this NATS holds data: .*KV_cameras.*--replace/);
  expect(await again("--replace")).toMatchObject({ code: 0, stderr: "" });
});

test("a file that is damaged or none changes nothing", async () => {
  const whole = readFileSync(file);
  const bad = join(directory, "bad.tar");
  const refused = async (data: Buffer, words: RegExp) => {
    writeFileSync(bad, data);
    const outcome = await runCommand(["restore", bad, "--replace"], at(empty));
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(words);
  };
  const changed = Buffer.from(whole);
  changed[520] = changed[520]! ^ 1; // In the first part: a header of tar has 512 bytes.
  await refused(changed, /is damaged: stream KV_analysis-state/);
  await refused(whole.subarray(0, whole.length >> 1), /not a complete backup|cannot be read as a backup/);
  await refused(Buffer.from("no tar at all".repeat(100)), /cannot be read as a backup/);
  const nats = await connectNats(empty.url, "test", createLogger("test", "fatal"));
  expect((await nats.manager.streams.info("EVENTS")).state.messages).toBe(3);
  await nats.connection.close();
});
