import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "./log.ts";
import { connectNats, type Nats } from "./nats.ts";
import { readUntil, StreamRead, type StreamReadOptions } from "./stream-read.ts";
import { NatsServer } from "./testing/index.ts";

let server: NatsServer;
let nats: Nats;
const stream = "THINGS";

beforeAll(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", createLogger("test", "fatal"));
  await nats.manager.streams.add({ name: stream, subjects: ["things.*"] });
  for (const [subject, text] of ["a 1", "b 2", "a 3", "b 4"].map(
    (each) => each.split(" ") as [string, string],
  ))
    await nats.jetstream.publish(`things.${subject}`, text);
});
afterAll(async () => {
  await nats.connection.close();
  await server.stop();
});

/** What is read, up to the stream's newest message. */
async function texts(options: StreamReadOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const message of await StreamRead.open(nats.jetstream, stream, options)) {
    found.push(message.string());
    if (message.info.pending === 0) break;
  }
  return found;
}

test("reads from where it is told, and of which subjects", async () => {
  expect(await texts({ from: { after: 0 } })).toEqual(["1", "2", "3", "4"]);
  expect(await texts({ from: { after: 2 } })).toEqual(["3", "4"]);
  expect(await texts({ from: { after: 0 }, subject: "things.a" })).toEqual(["1", "3"]);
  expect(await texts({ from: "newest of each subject" })).toEqual(["3", "4"]);
  expect(await texts({ from: { time: new Date(0) } })).toHaveLength(4);
});

test("says how much is to come", async () => {
  const pending = async (after: number) => {
    const read = await StreamRead.open(nats.jetstream, stream, { from: { after } });
    await read.close();
    return read.pending;
  };
  // The first of more may be on their way already.
  expect(await pending(4)).toBe(0);
  expect(await pending(0)).toBeGreaterThan(0);
});

test("ends when messages were lost on the way, which the server takes for delivered", async () => {
  const read = await StreamRead.open(nats.jetstream, stream, { from: { after: 0 }, heartbeatMs: 500 });
  const consumers = await Array.fromAsync(nats.manager.consumers.list(stream));
  const newest = consumers.toSorted((a, b) => Date.parse(b.created) - Date.parse(a.created))[0]!.name;
  // As a line that is cut takes what is in it.
  const lost = nats.connection.subscribe("lost", { max: 4 });
  const request = JSON.stringify({ batch: 4, expires: 10e9 });
  nats.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${newest}`, request, { reply: "lost" });
  for await (const message of lost) void message;
  expect(await Array.fromAsync(read)).toEqual([]);
});

test("ends with its last message, and without it when the server has nothing more to send", async () => {
  const read = async (until: number, subject?: string) => {
    const options = { from: { after: 0 }, until, subject, heartbeatMs: 500 };
    return Array.fromAsync(await StreamRead.open(nats.jetstream, stream, options), ({ seq }) => seq);
  };
  expect(await read(3)).toEqual([1, 2, 3]);
  expect(await read(2, "things.a")).toEqual([1, 3]);
  // As in a stream that was created again after somebody asked for its newest message.
  expect(await read(9)).toEqual([1, 2, 3, 4]);
  expect(await read(9, "things.c")).toEqual([]);
});

test("reading until a message fails when that does not come, and reads nothing when it is not after the beginning", async () => {
  const read = async (after: number, until: number, signal?: AbortSignal) => {
    const options = { from: { after }, until, heartbeatMs: 500 };
    return Array.fromAsync(readUntil(nats, stream, options, signal), ({ seq }) => seq);
  };
  expect(await read(1, 3)).toEqual([2, 3]);
  expect(await read(3, 3)).toEqual([]);
  await expect(read(0, 9)).rejects.toMatchObject({ code: "no_answer" });
  await expect(read(0, 9, AbortSignal.abort(new Error("stopped")))).rejects.toThrow("stopped");
});

test("a slow reader gets all messages before its last one, although the server has sent everything", async () => {
  const idle = Promise.withResolvers<void>();
  const options = { from: { after: 0 }, until: 9, heartbeatMs: 500, onIdle: idle.resolve };
  const found: number[] = [];
  for await (const { seq } of await StreamRead.open(nats.jetstream, stream, options)) {
    found.push(seq);
    await idle.promise;
  }
  expect(found).toEqual([1, 2, 3, 4]);
});

test("ends with its signal, when it is closed, and when its stream is deleted", async () => {
  const ended = async (read: StreamRead) => {
    for await (const message of read) void message;
    return true;
  };
  const aborted = new AbortController();
  const from = { after: 0 };
  const first = ended(await StreamRead.open(nats.jetstream, stream, { from }, aborted.signal));
  aborted.abort();
  expect(await first).toBe(true);
  const second = await StreamRead.open(nats.jetstream, stream, { from });
  const closing = ended(second);
  await second.close();
  expect(await closing).toBe(true);
  const third = ended(await StreamRead.open(nats.jetstream, stream, { from }));
  await nats.manager.streams.delete(stream);
  expect(await third).toBe(true);
});

test("a server that answers too late keeps no consumer of those who did not wait", async () => {
  let delayMs = 0;
  const proxy = createServer((client) => {
    const upstream = connect(Number(new URL(server.url).port), "127.0.0.1");
    client.pipe(upstream);
    // Only what follows the request for a consumer is answered late.
    client.on("data", (data) => {
      if (data.includes("CONSUMER.CREATE")) delayMs = 3_000;
    });
    upstream.on("data", (data) => setTimeout(() => client.write(data), delayMs));
    for (const socket of [client, upstream]) socket.on("error", () => undefined);
    client.on("close", () => upstream.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const { port } = proxy.address() as AddressInfo;
  const slow = await connectNats(`nats://127.0.0.1:${port}`, "slow", createLogger("test", "fatal"));
  await nats.manager.streams.add({ name: "OTHERS", subjects: ["others"] });
  const consumers = () => Array.fromAsync(nats.manager.consumers.list("OTHERS"));
  const opened = StreamRead.open(slow.jetstream, "OTHERS", { from: { after: 0 } });
  await Promise.all([
    expect.poll(async () => (await consumers()).length).toBeGreaterThan(0),
    expect(opened).rejects.toThrow("timeout"),
  ]);
  // By itself the server would keep it for a minute.
  await expect.poll(consumers, { timeout: 20_000 }).toEqual([]);
  await slow.connection.close();
  proxy.close();
});
