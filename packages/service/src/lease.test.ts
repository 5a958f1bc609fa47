import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { leaseTtlMs } from "@sightline/contracts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Buckets, openBuckets } from "./buckets.ts";
import { Lease } from "./lease.ts";
import { createLogger } from "./log.ts";
import { connectNats, type Nats } from "./nats.ts";
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

test("is renewed at once when NATS is back, not only when its time comes", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  try {
    const lease = await Lease.acquire(buckets.leases, "camera.r", "one", log);
    const revision = async () => (await buckets.leases.get("camera.r"))!.revision;
    const first = await revision();
    lease!.natsReturned();
    vi.advanceTimersByTime(0);
    // Time stands still, but for NATS.
    for (let asked = 0; asked < 1_000 && (await revision()) === first; asked++);
    expect(await revision()).toBeGreaterThan(first);
    await lease!.release();
  } finally {
    vi.useRealTimers();
  }
});

test("is not lost to a server whose every answer comes later than it is waited for", async () => {
  let delayMs = 0;
  const proxy = createServer((client) => {
    const upstream = connect(Number(new URL(server.url).port), "127.0.0.1");
    client.pipe(upstream);
    upstream.on("data", (data) => setTimeout(() => client.write(data), delayMs));
    for (const socket of [client, upstream]) socket.on("error", () => undefined);
    client.on("close", () => upstream.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const slow = await connectNats(`nats://127.0.0.1:${(proxy.address() as AddressInfo).port}`, "slow", log);
  const { leases } = await openBuckets(slow.kv);
  const lease = await Lease.acquire(leases, "camera.d", "one", log);
  delayMs = (leaseTtlMs * 3) / 8;
  const revision = async () => (await buckets.leases.get("camera.d"))?.revision ?? 0;
  const first = await revision();
  await expect.poll(async () => lease!.lost.aborted || (await revision()) >= first + 4).toBe(true);
  expect(lease!.lost.aborted).toBe(false);
  expect(lease!.held).toBe(true);
  delayMs = 0;
  await lease!.release();
  await slow.connection.close();
  proxy.close();
});
