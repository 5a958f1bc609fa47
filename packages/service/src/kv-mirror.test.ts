import { setTimeout as delay } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { leaseTtlMs } from "@sightline/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Buckets, openBuckets } from "./buckets.ts";
import { KvMirror, storedKeys } from "./kv-mirror.ts";
import { createLogger } from "./log.ts";
import type { MirrorChange } from "./mirror-entries.ts";
import { connectNats, type Nats } from "./nats.ts";
import { NatsServer } from "./testing/index.ts";

const log = createLogger("test", "fatal");
let server: NatsServer;
let nats: Nats;
let buckets: Buckets;
beforeAll(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", log);
  buckets = await openBuckets(nats.kv);
});
afterAll(async () => {
  await nats.connection.close();
  await server.stop();
});

function readNumber(data: Uint8Array): number {
  const value = JSON.parse(new TextDecoder().decode(data));
  if (typeof value !== "number") throw new Error("not a number");
  return value;
}

test("what was there, what comes, what goes; what cannot be read is left out", async () => {
  await buckets.cameras.put("old", "1");
  await buckets.cameras.put("gone", "2");
  await buckets.cameras.delete("gone");
  const mirror = new KvMirror(nats, buckets.cameras, readNumber, log);
  await mirror.start();
  expect(mirror.keys()).toEqual(["old"]);
  const changes: MirrorChange<number>[] = [];
  mirror.onChange((change) => changes.push(change));
  await buckets.cameras.put("new", "3");
  await buckets.cameras.put("old", '"rubbish"');
  await buckets.cameras.put("new", "4");
  await buckets.cameras.delete("new");
  await expect.poll(() => changes.length).toBe(4);
  expect(changes).toEqual([
    { key: "new", value: 3, previous: undefined },
    { key: "old", value: undefined, previous: 1 },
    { key: "new", value: 4, previous: 3 },
    { key: "new", value: undefined, previous: 4 },
  ]);
  await mirror.stop();
});

test("who waits until it has caught up sees what others have stored and deleted before", async () => {
  const mirror = new KvMirror(nats, buckets.holders, readNumber, log);
  await mirror.start();
  await mirror.caughtUp();
  for (let number = 1; number <= 50; number++) {
    await buckets.holders.put("count", String(number));
    await mirror.caughtUp();
    expect(mirror.get("count")).toBe(number);
  }
  await buckets.holders.delete("count");
  await mirror.caughtUp();
  expect(mirror.keys()).toEqual([]);
  await mirror.stop();
});

test("a bucket whose newest message was removed is read to the end of what is there", async () => {
  await buckets.modelJobs.put("kept", "1");
  const removed = await buckets.modelJobs.put("removed", "2");
  const { streamInfo } = await buckets.modelJobs.status();
  await nats.manager.streams.deleteMessage(streamInfo.config.name, removed);
  const mirror = new KvMirror(nats, buckets.modelJobs, readNumber, log);
  await mirror.start();
  expect(mirror.keys()).toEqual(["kept"]);
  await mirror.stop();
});

test("own writes are read at once and reported once", async () => {
  const mirror = new KvMirror(nats, buckets.cameraSecrets, readNumber, log);
  await mirror.start();
  const changes: MirrorChange<number>[] = [];
  mirror.onChange((change) => changes.push(change));
  const revision = await buckets.cameraSecrets.put("own", "1");
  mirror.applyPut("own", revision, 1);
  expect(mirror.get("own")).toBe(1);
  await buckets.cameraSecrets.delete("own");
  mirror.applyDelete("own", revision);
  expect(mirror.get("own")).toBeUndefined();
  await buckets.cameraSecrets.put("end", "2");
  await expect.poll(() => mirror.get("end")).toBe(2);
  expect(changes.map(({ key, value }) => [key, value])).toEqual([
    ["own", 1],
    ["own", undefined],
    ["end", 2],
  ]);
  await mirror.stop();
});

test("an entry that nobody renews is gone, and reported so", async () => {
  const mirror = new KvMirror(nats, buckets.cameraStatus, readNumber, log, 200);
  await mirror.start();
  const gone = Promise.withResolvers<MirrorChange<number>>();
  mirror.onChange((change) => {
    if (change.value === undefined) gone.resolve(change);
  });
  await buckets.cameraStatus.put("lease", "1");
  expect(await gone.promise).toEqual({ key: "lease", value: undefined, previous: 1 });
  expect(mirror.keys()).toEqual([]);
  await mirror.stop();
});

test("what was lost on the way, which the server takes for delivered, is read all the same", async () => {
  const mirror = new KvMirror(nats, buckets.cameraShares, readNumber, log);
  await mirror.start();
  const { name } = (await buckets.cameraShares.status()).streamInfo.config;
  const [reading] = await Array.fromAsync(nats.manager.consumers.list(name));
  // As a line that is cut takes what is in it.
  const lost = nats.connection.subscribe("lost", { max: 1 });
  const request = JSON.stringify({ batch: 1, expires: 10e9 });
  nats.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${name}.${reading!.name}`, request, { reply: "lost" });
  for (const key of ["a", "b", "c"]) await buckets.cameraShares.put(key, "1");
  for await (const message of lost) void message;
  await expect.poll(() => mirror.keys().sort(), { timeout: 10_000 }).toEqual(["a", "b", "c"]);
  await mirror.stop();
});

test("nothing expires while NATS does not tell what is renewed; what is gone then is gone when it does", async () => {
  const mirror = new KvMirror(nats, buckets.leases, readNumber, log, leaseTtlMs);
  await buckets.leases.put("renewed", "1");
  await buckets.leases.put("gone", "1");
  await mirror.start();
  process.kill(server.pid!, "SIGSTOP");
  try {
    await delay(leaseTtlMs + 1_000);
  } finally {
    process.kill(server.pid!, "SIGCONT");
  }
  expect(mirror.keys().sort()).toEqual(["gone", "renewed"]);
  const renewing = setInterval(() => void buckets.leases.put("renewed", "1").catch(() => 0), 100);
  await expect.poll(() => mirror.keys(), { timeout: 20_000 }).toEqual(["renewed"]);
  clearInterval(renewing);
  await mirror.stop();
});

test("a server that was killed is watched again", async () => {
  const mirror = new KvMirror(nats, buckets.cameras, readNumber, log);
  await buckets.cameras.put("kept", "1");
  await mirror.start();
  await server.down("SIGKILL");
  await server.up();
  await expect.poll(() => buckets.cameras.put("after", "2").catch(() => 0)).toBeGreaterThan(0);
  await expect.poll(() => mirror.get("after")).toBe(2);
  expect(mirror.get("kept")).toBe(1);
  await mirror.stop();
});

test("a server that has lost the newest writes: what is left, and what comes with their revisions", async () => {
  const mirror = new KvMirror(nats, buckets.cameraRules, readNumber, log);
  await buckets.cameraRules.put("changed", "1");
  await buckets.cameraRules.put("kept", "1");
  const goBack = await server.keepCopy("KV_camera-rules");
  await mirror.start();
  const writes = () =>
    Promise.all([buckets.cameraRules.put("changed", "2"), buckets.cameraRules.put("gone", "2")]).catch(
      () => [],
    );
  await expect.poll(writes).toHaveLength(2);
  await expect.poll(() => mirror.get("gone")).toBe(2);
  await goBack();
  await expect.poll(() => buckets.cameraRules.put("changed", "3").catch(() => 0)).toBeGreaterThan(0);
  await expect.poll(() => mirror.get("changed")).toBe(3);
  await expect.poll(() => mirror.get("gone")).toBeUndefined();
  await mirror.stop();
});

test("keys are told by the stream, with those that were removed, and a server that is gone is an error", async () => {
  const server = await NatsServer.start();
  const connection = await connect({ servers: server.url, reconnect: false });
  const manager = await jetstreamManager(connection, { timeout: 1_000 });
  const bucket = await new Kvm(jetstream(connection, { timeout: 1_000 })).create("things");
  expect(await storedKeys(manager, bucket)).toEqual([]);
  for (const key of ["a", "b.c", "d"]) await bucket.put(key, "x");
  await bucket.put("a", "y");
  await bucket.delete("d");
  expect((await storedKeys(manager, bucket)).sort()).toEqual(["a", "b.c", "d"]);
  await server.stop();
  await expect(storedKeys(manager, bucket)).rejects.toThrow();
  await connection.close();
});
