import { AckPolicy, type JsMsg } from "@nats-io/jetstream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deleteConsumer, ensureConsumer, findConsumer } from "./durable-consumer.ts";
import { createLogger } from "./log.ts";
import { connectNats, type Nats } from "./nats.ts";
import { NatsServer } from "./testing/nats-server.ts";

const stream = "WORK";
const config = {
  durable_name: "workers",
  ack_policy: AckPolicy.Explicit,
  ack_wait: 5_000_000_000,
  filter_subject: "work.a",
};
let server: NatsServer;
let nats: Nats;

beforeEach(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", createLogger("test", "silent"));
  await nats.manager.streams.add({ name: stream, subjects: ["work.*"] });
});

afterEach(async () => {
  await nats.connection.close();
  await server.stop();
});

async function next(): Promise<JsMsg | null> {
  const consumer = await nats.jetstream.consumers.get(stream, config.durable_name);
  return consumer.next({ expires: 2_000 });
}

test("a consumer is made once, and kept with its place", async () => {
  expect(await ensureConsumer(nats.manager, stream, config)).toBe("made");
  for (const text of ["1", "2"]) await nats.jetstream.publish("work.a", text);
  await (await next())?.ackAck();
  expect(await ensureConsumer(nats.manager, stream, config)).toBe("kept");
  expect((await next())?.string()).toBe("2");
  await deleteConsumer(nats.manager, stream, config.durable_name);
  expect(await findConsumer(nats.manager, stream, config.durable_name)).toBeUndefined();
});

test("one that another version made otherwise becomes as it is wanted, and keeps its place", async () => {
  await ensureConsumer(nats.manager, stream, config);
  for (const text of ["1", "2"]) await nats.jetstream.publish("work.a", text);
  await (await next())?.ackAck();
  const wanted = { ...config, ack_wait: 9_000_000_000, max_ack_pending: 7 };
  expect(await ensureConsumer(nats.manager, stream, wanted)).toBe("kept");
  expect((await findConsumer(nats.manager, stream, config.durable_name))?.config).toMatchObject(wanted);
  expect((await next())?.string()).toBe("2");
});
