import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { leaseTtlMs } from "@sightline/contracts";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Buckets, openBuckets } from "./buckets.ts";
import { LeaseSession, sessionKey } from "./lease-session.ts";
import { createLogger } from "./log.ts";
import { connectNats, type Nats } from "./nats.ts";
import { NatsServer } from "./testing/nats-server.ts";

const log = createLogger("test", "fatal");
const patient = { timeout: 30_000 };
let server: NatsServer;
let nats: Nats;
let buckets: Buckets;
const sessions: LeaseSession[] = [];

beforeAll(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", log);
  buckets = await openBuckets(nats.kv);
});
afterEach(() => Promise.all(sessions.splice(0).map((session) => session.stop())));
afterAll(async () => {
  await nats.connection.close();
  await server.stop();
});

async function begin(): Promise<LeaseSession> {
  const session = new LeaseSession(nats, buckets, "camera", log);
  sessions.push(session);
  await new Promise<void>((resolve) => session.start(resolve));
  return session;
}

const last = async (bucket: string) => (await nats.manager.streams.info(`KV_${bucket}`)).state.last_seq;

test("one session at a time has a thing; what it gives back, or all when it stops, is free at once", async () => {
  const [one, two] = [await begin(), await begin()];
  const taken = await one.take("a");
  expect(taken?.held).toBe(true);
  expect(await one.take("a")).toBeUndefined();
  expect(await two.take("a")).toBeUndefined();
  await taken!.release();
  expect(taken!.held).toBe(false);
  expect((await two.take("a"))?.held).toBe(true);
  expect((await one.take("b"))?.held).toBe(true);
  await one.stop();
  expect((await two.take("b"))?.held).toBe(true);
  // What names a session that never was, or is not any more, is free too.
  await buckets.holders.put("camera.c", "nobody");
  expect((await two.take("c"))?.held).toBe(true);
});

test("asked for twice at once, a thing is taken once", async () => {
  const session = await begin();
  const taken = await Promise.all([session.take("twice"), session.take("twice")]);
  expect(taken.filter(Boolean)).toHaveLength(1);
});

test("what many things cost is one renewal, and they outlast a short restart of NATS", async () => {
  const session = await begin();
  const things = Array.from({ length: 300 }, (_, i) => `many-${i}`);
  const held = await Promise.all(things.map((thing) => session.take(thing)));
  const [holders, leases] = [await last("holders"), await last("leases")];
  await server.down("SIGKILL");
  await server.up();
  await expect.poll(() => last("leases").catch(() => 0), patient).toBeGreaterThan(leases + 5);
  expect(await last("holders")).toBe(holders);
  expect(held.every((lease) => lease?.held)).toBe(true);
});

test("a session whose entry has gone makes it again, and has what nobody has taken meanwhile", async () => {
  const [one, two] = [await begin(), await begin()];
  const [taken, kept] = [(await one.take("d"))!, (await one.take("e"))!];
  const id = one.id!;
  const lost = once(taken.lost, "abort");
  await buckets.leases.purge(sessionKey("camera", id));
  expect((await two.take("d"))?.held).toBe(true);
  await lost;
  await expect.poll(() => kept.held, patient).toBe(true);
  expect(one.id).toBe(id);
  expect(await one.take("d")).toBeUndefined();
  expect(await two.take("e")).toBeUndefined();
});

test("a session whose entry names another is lost with all that it held; another begins and may have what is free", async () => {
  const one = await begin();
  const held = (await one.take("f"))!;
  const before = one.id!;
  await buckets.leases.put(sessionKey("camera", before), "another");
  await expect.poll(() => held.lost.aborted, patient).toBe(true);
  await expect.poll(() => one.id !== undefined && one.id !== before, patient).toBe(true);
  await buckets.leases.purge(sessionKey("camera", before));
  expect((await one.take("f"))?.held).toBe(true);
});

test("an interruption of NATS for longer than an entry lives takes nothing from the living, and what the dead had is free after it", async () => {
  const [one, two] = [await begin(), await begin()];
  const [first, second] = [(await one.take("g"))!, (await two.take("h"))!];
  await buckets.holders.put("camera.i", "a session that has died");
  await server.down("SIGKILL");
  await delay(leaseTtlMs + 1_000);
  expect([first.held, second.held]).toEqual([true, true]);
  await server.up();
  const seized = async (session: LeaseSession, thing: string) => session.take(thing).catch(() => undefined);
  for (;;) {
    expect(await seized(one, "h")).toBeUndefined();
    expect(await seized(two, "g")).toBeUndefined();
    const free = await seized(one, "i");
    if (free) break;
    await delay(50);
  }
  expect([first.held, second.held]).toEqual([true, true]);
  expect([first.lost.aborted, second.lost.aborted]).toEqual([false, false]);
});

test("an entry that NATS has lost, or that names another, is found when it is looked at", async () => {
  const session = await begin();
  const [gone, other, own] = [
    (await session.take("gone"))!,
    (await session.take("other"))!,
    (await session.take("own"))!,
  ];
  await buckets.holders.purge("camera.gone");
  await buckets.holders.put("camera.other", "another");
  for (const thing of ["gone", "other", "own"]) await session.confirm(thing);
  expect([gone, other, own].map((lease) => lease.lost.aborted)).toEqual([true, true, false]);
});

test("a process of this machine that was killed leaves what it had free at once; a frozen one keeps it", async () => {
  const index = JSON.stringify(import.meta.resolve("./index.ts"));
  const script = `
    import { connectNats, createLogger, LeaseSession, openBuckets } from ${index};
    const log = createLogger("test", "fatal");
    const nats = await connectNats(${JSON.stringify(server.url)}, "other", log);
    const session = new LeaseSession(nats, await openBuckets(nats.kv), "camera", log);
    session.start(async () => {
      await session.take("z");
      console.log(session.id);
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [id] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const key = sessionKey("camera", id);
    const own = await begin();
    const look = async () => {
      const entry = await buckets.leases.get(key);
      if (entry?.operation === "PUT") await own.endDead(key, entry.string(), entry.revision);
      return own.take("z");
    };
    child.kill("SIGSTOP");
    expect(await look()).toBeUndefined();
    child.kill("SIGKILL");
    await once(child, "exit");
    // Its entry has not expired, and would not be renewed for as long as a lease lives.
    expect((await buckets.leases.get(key))?.operation).toBe("PUT");
    expect((await look())?.held).toBe(true);
  } finally {
    child.kill("SIGKILL");
  }
});
