import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger } from "./log.ts";
import { connectNats, type Nats } from "./nats.ts";
import { ensureStream, streamMaking } from "./provision.ts";
import { NatsServer } from "./testing/nats-server.ts";

const config = { name: "THINGS", subjects: ["things"], storage: "file" as const, max_bytes: 1_000_000 };

let server: NatsServer;
let nats: Nats;
beforeEach(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", createLogger("test", "fatal"));
});
afterEach(async () => {
  await nats.connection.close();
  await server.stop();
});

/** Asks until a server that has just come up answers. */
const making = async () => {
  const info = () => nats.manager.streams.info(config.name).catch(() => undefined);
  await expect.poll(info).toBeDefined();
  return streamMaking((await info())!);
};

test("a stream is told from one that is made anew, and stays itself over updates and restarts", async () => {
  await ensureStream(nats.manager, config);
  const first = await making();
  for (const max_bytes of [2_000_000, 3_000_000]) {
    await ensureStream(nats.manager, { ...config, max_bytes });
    expect((await nats.manager.streams.info(config.name)).config.max_bytes).toBe(max_bytes);
    await server.down("SIGKILL");
    await server.up();
    expect(await making()).toBe(first);
  }
  await nats.manager.streams.delete(config.name);
  await ensureStream(nats.manager, config);
  expect(await making()).not.toBe(first);
});

test("several processes may make a stream at once", async () => {
  await Promise.all(Array.from({ length: 8 }, () => ensureStream(nats.manager, config)));
  const first = await making();
  await ensureStream(nats.manager, config);
  expect(await making()).toBe(first);
});
