import { JetStreamApiError } from "@nats-io/jetstream";
import { NoRespondersError, TimeoutError } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isJetStreamFailure } from "./jetstream-errors.ts";
import { createLogger } from "./log.ts";
import { connectNats, type Nats } from "./nats.ts";
import { ensureStream } from "./provision.ts";
import { Requests } from "./requests.ts";
import { NatsServer } from "./testing/index.ts";

let server: NatsServer;
let nats: Nats;

beforeAll(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", createLogger("test", "silent"));
  const limits = { max_msg_size: 100, storage: "memory" as const };
  await ensureStream(nats.manager, { name: "EVENTS", subjects: ["events.*.*"], ...limits });
});

afterAll(async () => {
  await nats?.connection.close();
  await server?.stop();
});

const published = (subject: string, data: string, msgID: string) =>
  new Promise<Error | undefined>((resolve) =>
    nats.publisher.publish(subject, Buffer.from(data), { msgID, timeoutMs: 10_000 }, resolve),
  );

test("many publications at a time are each confirmed by themselves, and stored once", async () => {
  const ids = Array.from({ length: 100 }, (_, i) => `m${i % 50}`);
  const outcomes = await Promise.all(ids.map((id) => published("events.a.b", id, id)));
  expect(outcomes.every((failure) => failure === undefined)).toBe(true);
  expect((await nats.manager.streams.info("EVENTS")).state.messages).toBe(50);
  expect(nats.watch.faults()).toEqual([]);
});

test("one that the stream does not take fails with its code and is told by readiness; another is not touched", async () => {
  const [refused, stored] = await Promise.all([
    published("events.a.b", "x".repeat(200), "large"),
    published("events.a.b", "small", "small"),
  ]);
  expect(refused).toBeInstanceOf(JetStreamApiError);
  expect(isJetStreamFailure(refused, "streamNotFound")).toBe(false);
  expect(stored).toBeUndefined();
  expect(await published("events.a.b", "x".repeat(200), "large")).toBeInstanceOf(JetStreamApiError);
  expect(nats.watch.faults()).toMatchObject([{ stream: "EVENTS", lacks: "takes" }]);
});

test("a request tells whether nobody hears it or nobody answers, and later ones go on", async () => {
  const requests = new Requests(nats.connection);
  const asked = (subject: string, timeoutMs = 10_000) =>
    new Promise<Error | string>((resolve) =>
      requests.send(subject, new Uint8Array(), { timeoutMs }, (error, answer) =>
        resolve(error ?? answer!.string()),
      ),
    );
  nats.connection.subscribe("silent", { callback: () => undefined });
  nats.connection.subscribe("echo", { callback: (_error, message) => void message.respond("heard") });
  expect(await Promise.all([asked("nobody"), asked("silent", 1), asked("echo")])).toEqual([
    expect.any(NoRespondersError),
    expect.any(TimeoutError),
    "heard",
  ]);
  const closed = await connectNats(server.url, "closed", createLogger("test", "silent"));
  await closed.connection.close();
  const late = new Requests(closed.connection);
  const failure = await new Promise((resolve) =>
    late.send("echo", new Uint8Array(), { timeoutMs: 10_000 }, resolve),
  );
  expect(failure).toBeInstanceOf(Error);
});
