import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Lease } from "./lease.ts";
import { createLogger } from "./log.ts";
import { connectNats, type Nats } from "./nats.ts";
import { type Buckets, openBuckets } from "./provision.ts";
import { NatsServer } from "./testing/nats-server.ts";

const log = createLogger("test", "error");
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

test("one holder at a time; a release lets the next one in at once", async () => {
  const first = await Lease.acquire(buckets.leases, "camera.a", "one", log);
  expect(await Lease.acquire(buckets.leases, "camera.a", "two", log)).toBeUndefined();
  await first?.release();
  const second = await Lease.acquire(buckets.leases, "camera.a", "two", log);
  expect(second).toBeDefined();
  await second?.release();
});

test("says so when another has taken the key", async () => {
  const lease = await Lease.acquire(buckets.leases, "camera.b", "one", log);
  await buckets.leases.put("camera.b", new TextEncoder().encode("two"));
  if (!lease?.lost.aborted) await once(lease!.lost, "abort");
  expect(lease!.lost.aborted).toBe(true);
});

test("outlives a short restart of the server", async () => {
  const lease = await Lease.acquire(buckets.leases, "camera.c", "one", log);
  const before = (await buckets.leases.get("camera.c"))!.revision;
  await server.down("SIGKILL");
  await server.up();
  const renewed = async () => {
    const entry = await buckets.leases.get("camera.c").catch(() => null);
    return lease!.lost.aborted || (entry?.revision ?? 0) > before + 4;
  };
  await expect.poll(renewed).toBe(true);
  expect(lease!.lost.aborted).toBe(false);
  await lease?.release();
});
