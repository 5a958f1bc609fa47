import { setTimeout as delay } from "node:timers/promises";
import { decodeJson, readyConsumer, readyStream, streams, subjects, tokenSchema } from "@sightline/contracts";
import { connectNats, createLogger, ensureConsumer, ensureStream, type Nats } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FrameBuffers } from "./frame-buffers.ts";
import { FrameQueue } from "./frame-queue.ts";
import { Ledger } from "./ledger.ts";
import { DeliveredTokens, TokenPublisher } from "./token-publisher.ts";

const model = "m";
const log = createLogger("test", "fatal");
let server: NatsServer;
let nats: Nats;
let publisher: TokenPublisher;
let queue: FrameQueue;

beforeEach(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", log);
  await ensureStream(nats.manager, readyStream(1));
  await ensureConsumer(nats.manager, streams.ready, readyConsumer(model));
  publisher = new TokenPublisher(nats, new DeliveredTokens(nats.manager), "front", "e1", model, log);
  queue = new FrameQueue(new Ledger(), (token) => void publisher.offer(token));
  publisher.attach(queue);
});

afterEach(async () => {
  await publisher.stop();
  await nats.connection.close();
  await server.stop();
});

function putFrame(): void {
  const metadata = { camera: "cameras/front", epoch: "e1", number: 1 } as never;
  const buffers = new FrameBuffers(1024);
  queue.put({ metadata, message: buffers.take(), buffers, arrivedAt: 0, readyAt: performance.now() });
}

/** The token of the camera in the stream. */
async function stored(): Promise<number | undefined> {
  const last = { last_by_subj: subjects.ready(model, "front") };
  const message = await nats.manager.streams.getMessage(streams.ready, last).catch(() => null);
  return message ? decodeJson(tokenSchema, message.data).id : undefined;
}

test("a token that waits is left alone", async () => {
  putFrame();
  await expect.poll(stored).toBe(1);
  await publisher.check();
  expect(queue.out?.token).toBe(1);
});

test("a token whose sequence the workers' consumer has delivered before reaches a worker", async () => {
  const others = Array.from({ length: 5 }, (_, i) => `c${i}`);
  for (const camera of others) await nats.jetstream.publish(subjects.ready(model, camera), "{}");
  const consumer = await nats.jetstream.consumers.get(streams.ready, readyConsumer(model).durable_name);
  for await (const message of await consumer.fetch({ max_messages: others.length })) await message.ackAck();
  await server.loseMessages(streams.ready);
  putFrame();
  // It has a sequence that the consumer has delivered before.
  await expect.poll(stored, { timeout: 30_000 }).toBe(1);
  await publisher.check();
  // Older servers do not set a consumer back with its stream: it passes the token over, and another takes its place.
  const { delivered } = await consumer.info();
  if (delivered.stream_seq > 0) {
    expect(queue.out?.token).toBe(2);
    await expect.poll(stored).toBe(2);
  } else {
    expect(queue.out?.token).toBe(1);
    const given = await consumer.next({ expires: 5_000 });
    expect(given && decodeJson(tokenSchema, given.data).id).toBe(1);
  }
});

test("of several tokens that wait the one that was lost is replaced, and the others stay", async () => {
  const pace = { intervalMs: 0, most: 3, waitMs: 60_000 };
  queue = new FrameQueue(new Ledger(), (token) => void publisher.offer(token), {
    pace: () => pace,
    waited: () => {},
    arrived: () => {},
  });
  publisher.attach(queue);
  for (let frame = 0; frame < 3; frame++) putFrame();
  const kept = async () => {
    const { state } = await nats.manager.streams.info(streams.ready);
    return state.messages;
  };
  await expect.poll(kept).toBe(3);
  await publisher.check();
  expect([1, 2, 3].map((token) => queue.isOut(token))).toEqual([true, true, true]);
  const { state } = await nats.manager.streams.info(streams.ready);
  await nats.manager.streams.deleteMessage(streams.ready, state.first_seq, false);
  await publisher.check();
  expect([1, 2, 3, 4].map((token) => queue.isOut(token))).toEqual([false, true, true, true]);
  await expect.poll(kept).toBe(3);
});

/** Takes the next token as a worker does, and does nothing with it. */
async function takeToken(): Promise<number | undefined> {
  const consumer = await nats.jetstream.consumers.get(streams.ready, readyConsumer(model).durable_name);
  const given = await consumer.next({ expires: 5_000 });
  return given ? decodeJson(tokenSchema, given.data).id : undefined;
}

test("a token that a worker has and does not use is made up for long before NATS gives it to another", async () => {
  putFrame();
  expect(await takeToken()).toBe(1);
  expect(await takeToken()).toBe(2);
  // The worker that has come back uses its own first: that brings the frame, and the other brings none.
  expect(queue.take(1)?.header.number).toBe(1);
  expect(queue.take(2)).toBeUndefined();
});

test("a token that waits for a worker is not made up for, however long", async () => {
  for (const camera of ["a", "b"]) await nats.jetstream.publish(subjects.ready(model, camera), "{}");
  const consumer = await nats.jetstream.consumers.get(streams.ready, readyConsumer(model).durable_name);
  for await (const message of await consumer.fetch({ max_messages: 2 })) await message.ackAck();
  putFrame();
  await delay(3_000);
  expect(await takeToken()).toBe(1);
  expect(queue.allOut.map(({ token }) => token)).toEqual([1]);
});
