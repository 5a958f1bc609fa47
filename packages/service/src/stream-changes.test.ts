import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { buckets, leaseTtlMs } from "@sightline/contracts";
import { afterEach, expect, test } from "vitest";
import { ensureBuckets } from "./buckets.ts";
import { createLogger } from "./log.ts";
import { connectNats, type Nats } from "./nats.ts";
import { ensureStream, StreamConflictError } from "./provision.ts";
import { NatsServer } from "./testing/index.ts";

const second = 1_000_000_000;
const things = {
  name: "THINGS",
  ...{ subjects: ["things.*"], retention: "limits" as const, storage: "file" as const },
  ...{ max_age: 3600 * second, max_bytes: 50_000_000, duplicate_window: 120 * second, num_replicas: 1 },
};

const servers: NatsServer[] = [];
const connections: Nats[] = [];
afterEach(async () => {
  for (const { connection } of connections.splice(0)) await connection.close();
  for (const server of servers.splice(0)) await server.stop();
});

async function connected(url: string): Promise<Nats> {
  const nats = await connectNats(url, "test", createLogger("test", "fatal"));
  connections.push(nats);
  return nats;
}

/** Publishes numbers one after the other, each until NATS has confirmed it, until the returned function is called; that gives how many. */
function publishing({ jetstream }: Nats): () => Promise<number> {
  let stopped = false;
  let count = 0;
  const done = (async () => {
    for (; !stopped; count++)
      for (;;)
        try {
          await jetstream.publish("things.a", String(count), { msgID: String(count), timeout: 2_000 });
          break;
        } catch {
          // A stream without a leader takes nothing; who publishes tries again.
        }
  })();
  return async () => {
    stopped = true;
    await done;
    return count;
  };
}

/** The messages of the stream, in order. */
async function held(manager: JetStreamManager, name = things.name): Promise<string[]> {
  const stream = await manager.streams.get(name);
  const { state } = await stream.info();
  const all: string[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++)
    all.push((await stream.getMessage({ seq }))?.string() ?? "");
  return all;
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

test("a stream's age, size, subjects and window for duplicates change in place while others publish: nothing is lost or doubled", async () => {
  const server = await NatsServer.start();
  servers.push(server);
  const nats = await connected(server.url);
  await ensureStream(nats.manager, things);
  await nats.manager.consumers.add(things.name, { durable_name: "reader", ack_policy: "explicit" });
  const stop = publishing(nats);
  const changes: Partial<StreamConfig>[] = [
    { max_age: 7200 * second },
    { max_bytes: 60_000_000 },
    { subjects: ["things.*", "more.>"] },
    { duplicate_window: 60 * second },
    { allow_direct: true },
    { max_msg_size: 1024 },
  ];
  for (const change of [...changes, ...changes.reverse(), {}]) {
    await ensureStream(nats.manager, { ...things, ...change });
    expect((await nats.manager.streams.info(things.name)).config).toMatchObject(change);
  }
  const count = await stop();
  expect(await held(nats.manager)).toEqual(numbers(count));
  // Who reads by a durable consumer gets them all too.
  const reader = await nats.jetstream.consumers.get(things.name, "reader");
  const read: string[] = [];
  for await (const message of await reader.fetch({ max_messages: count, expires: 10_000 })) {
    read.push(message.string());
    message.ack();
  }
  expect(read).toEqual(numbers(count));
});

test("a bucket keeps its entries when its settings change", async () => {
  const server = await NatsServer.start();
  servers.push(server);
  const nats = await connected(server.url);
  // As another version might have made them.
  const cameras = await nats.kv.create(buckets.cameras, { history: 5, ttl: 3_600_000 });
  const leases = await nats.kv.create(buckets.leases, { history: 1, ttl: 60_000 });
  await cameras.put("front", "a");
  await leases.put("session.camera.x", "");
  const opened = await ensureBuckets(nats, 1);
  expect((await opened.cameras.get("front"))?.string()).toBe("a");
  const config = async (bucket: string) => (await nats.manager.streams.info(`KV_${bucket}`)).config;
  expect(await config(buckets.cameras)).toMatchObject({ max_msgs_per_subject: 1, max_age: 0 });
  expect(await config(buckets.leases)).toMatchObject({ max_age: leaseTtlMs * 1_000_000 });
});

test("what NATS does not change in place is told with the stream, both values and what to do; nothing is changed", async () => {
  const server = await NatsServer.start();
  servers.push(server);
  const nats = await connected(server.url);
  await nats.manager.streams.add({ ...things, storage: "memory" });
  await nats.jetstream.publish("things.a", "kept");
  const refused = (config: Partial<StreamConfig>) =>
    ensureStream(nats.manager, { ...things, ...config }).then(
      () => undefined,
      (error: Error) => error,
    );
  const storage = await refused({});
  expect(storage).toBeInstanceOf(StreamConflictError);
  expect(storage?.message).toMatch(
    /stream THINGS .*storage: "file" instead of "memory".*sightline backup.*nats stream rm THINGS/,
  );
  const copies = await refused({ storage: "memory", num_replicas: 3 });
  expect(copies?.message).toMatch(
    /num_replicas: 3 instead of 1.*cluster, or set SIGHTLINE_NATS_REPLICAS to 1/,
  );
  await nats.manager.streams.add({ name: "OTHER", subjects: ["more.>"] });
  const subjects = await refused({ storage: "memory", subjects: ["things.*", "more.a"] });
  expect(subjects?.message).toMatch(/subjects overlap/);
  expect(await held(nats.manager)).toEqual(["kept"]);
});

test("from one copy to three while others publish: nothing is lost or doubled", async () => {
  servers.push(...(await NatsServer.startCluster(3)));
  const nats = await connected(servers.map(({ url }) => url).join(","));
  await expect
    .poll(() =>
      ensureStream(nats.manager, things).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  const first = await ensureBuckets(nats, 1);
  await first.cameras.put("front", "a");
  const stop = publishing(nats);
  await ensureStream(nats.manager, { ...things, num_replicas: 3 });
  await ensureBuckets(nats, 3);
  for (const name of [things.name, ...Object.values(buckets).map((bucket) => `KV_${bucket}`)])
    await expect
      .poll(async () => {
        const { cluster } = await nats.manager.streams.info(name);
        return cluster?.replicas?.filter(({ current }) => current).length;
      })
      .toBe(2);
  const count = await stop();
  expect(await held(nats.manager)).toEqual(numbers(count));
  expect((await first.cameras.get("front"))?.string()).toBe("a");
}, 180_000);
