import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { encodeJson, readyConsumer, streams, subjects } from "@sightline/contracts";
import { ConnectionChanges, createLogger, SetBacks } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TokenQueue } from "./token-queue.ts";
import { type HeldToken, TokenSource } from "./token-source.ts";

const model = "m";
const log = createLogger("test", "error");
let server: NatsServer;
let connection: NatsConnection;
let sources: TokenSource[];
let invalid: Error[];

beforeEach(async () => {
  server = await NatsServer.start();
  connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  sources = [];
  invalid = [];
});

afterEach(async () => {
  for (const source of sources) await source.stop();
  await connection.close();
  await server.stop();
});

async function provision(): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await new TokenQueue(manager, model, 1, new SetBacks(), createLogger("test", "fatal")).provision();
}

function source(): { source: TokenSource; tokens: HeldToken[] } {
  const tokens: HeldToken[] = [];
  const made = new TokenSource({
    nats: { connection, changes: new ConnectionChanges(connection) },
    model,
    provision,
    onToken: (token) => tokens.push(token),
    onInvalid: (error) => invalid.push(error),
    log,
  });
  sources.push(made);
  return { source: made, tokens };
}

async function offer(camera: string, id = 1): Promise<void> {
  await vi.waitFor(
    () =>
      jetstream(connection).publish(subjects.ready(model, camera), encodeJson({ camera, epoch: "e", id }), {
        // One that is in time for the server, but not for us, is offered once all the same.
        msgID: `${camera}:${id}`,
        timeout: 500,
      }),
    { timeout: 60_000 },
  );
}

async function consumer() {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return manager.consumers.info(streams.ready, readyConsumer(model).durable_name);
}

const until = (condition: () => boolean | Promise<boolean>) =>
  vi.waitUntil(condition, { timeout: 60_000, interval: 20 });

test("brings as many tokens as wanted, in the order offered, and no more", async () => {
  await provision();
  for (const camera of ["a", "b", "c"]) await offer(camera);
  const { source: tokensFrom, tokens } = source();
  tokensFrom.demand(2);
  await until(() => tokens.length === 2);
  expect(tokens.map(({ camera }) => camera)).toEqual(["a", "b"]);
  expect(tokensFrom.outstanding).toBe(0);
  await offer("d");
  await expect.poll(consumer).toMatchObject({ num_ack_pending: 2, num_pending: 2, num_waiting: 0 });
});

test("the server's waiting demand follows: raised, lowered, ended, never doubled", async () => {
  await provision();
  const { source: tokensFrom, tokens } = source();
  for (const demand of [1, 3, 3, 2, 5, 0, 4]) tokensFrom.demand(demand);
  expect(tokensFrom.outstanding).toBe(4);
  for (let i = 1; i <= 6; i++) await offer(`camera-${i}`);
  await until(() => tokens.length === 4);
  await expect.poll(async () => (await consumer()).num_pending).toBe(2);
  tokensFrom.demand(2);
  await until(() => tokens.length === 6);
});

test("what is acknowledged goes with the next request for tokens, or by itself soon after", async () => {
  await provision();
  const { source: tokensFrom, tokens } = source();
  const sent: string[] = [];
  connection.subscribe("$JS.>", {
    callback: (_error, { subject }) => {
      if (subject.startsWith("$JS.ACK.")) sent.push("ack");
      else if (subject.startsWith("$JS.API.CONSUMER.MSG.NEXT.")) sent.push("pull");
    },
  });
  await offer("a");
  await offer("b");
  tokensFrom.demand(1);
  await until(() => tokens.length === 1);
  tokens[0]!.ack();
  tokensFrom.demand(1);
  await until(() => tokens.length === 2 && sent.length === 3);
  expect(sent).toEqual(["pull", "pull", "ack"]);
  tokens[1]!.ack();
  await until(async () => sent.length === 4 && (await consumer()).num_ack_pending === 0);
  expect(sent[3]).toBe("ack");
});

test("a token is not lost when it crosses the end of the demand", async () => {
  await provision();
  const { source: tokensFrom, tokens } = source();
  for (let i = 1; i <= 200; i++) {
    tokensFrom.demand(1);
    const offered = jetstream(connection).publish(
      subjects.ready(model, `c${i}`),
      encodeJson({ camera: `c${i}`, epoch: "e", id: 1 }),
    );
    if (i % 3 === 0) await connection.flush();
    tokensFrom.demand(0);
    await offered;
  }
  tokensFrom.demand(200 - tokens.length);
  await until(() => tokens.length >= 200);
  expect(new Set(tokens.map(({ camera }) => camera)).size).toBe(200);
  for (const token of tokens) token.ack();
  await until(async () => (await consumer()).num_ack_pending === 0);
});

test("a token given back goes to another worker without waiting for ack_wait", async () => {
  await provision();
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const hour = 3_600_000_000_000;
  await manager.consumers.update(streams.ready, readyConsumer(model).durable_name, { ack_wait: hour });
  const first = source();
  first.source.demand(1);
  await offer("a");
  await until(() => first.tokens.length === 1);
  const second = source();
  second.source.demand(1);
  first.tokens[0]!.giveBack();
  await until(() => second.tokens.length === 1);
  expect(second.tokens[0]).toMatchObject({ camera: "a", deliveries: 2 });
});

test("stopping ends the demand at the server", async () => {
  await provision();
  const { source: tokensFrom, tokens } = source();
  tokensFrom.demand(5);
  await connection.flush();
  await tokensFrom.stop();
  await offer("a");
  const other = source();
  other.source.demand(1);
  await until(() => other.tokens.length === 1);
  expect(other.tokens[0]!.deliveries).toBe(1);
  expect(tokens).toEqual([]);
});

test("creates what is missing and goes on", async () => {
  const { source: tokensFrom, tokens } = source();
  tokensFrom.demand(1);
  await until(async () => (await consumer().catch(() => undefined)) !== undefined);
  await offer("a");
  await until(() => tokens.length === 1);
});

test("asks anew after the server was killed, once", async () => {
  await provision();
  const { source: tokensFrom, tokens } = source();
  tokensFrom.demand(2);
  await connection.flush();
  await server.down("SIGKILL");
  await server.up();
  await offer("a");
  await offer("b");
  await offer("c");
  await until(() => tokens.length === 2);
  expect(tokensFrom.outstanding).toBe(0);
  await expect.poll(async () => (await consumer()).num_pending).toBe(1);
});

test("goes on when NATS has lost tokens that were delivered", async () => {
  await provision();
  const { source: tokensFrom, tokens } = source();
  for (let i = 1; i <= 30; i++) await offer(`c${i}`);
  tokensFrom.demand(30);
  await until(() => tokens.length === 30);
  for (const token of tokens) token.ack();
  await until(async () => (await consumer()).num_ack_pending === 0);
  tokensFrom.demand(2);
  await server.loseMessages(streams.ready);
  await offer("a");
  await offer("b");
  await until(() => tokens.length === 32);
  expect(tokens.slice(30).map(({ camera }) => camera)).toEqual(["a", "b"]);
});

test("a message that is no token is removed and does not use up the demand", async () => {
  await provision();
  await jetstream(connection).publish(subjects.ready(model, "a"), "nonsense");
  await offer("b");
  const { source: tokensFrom, tokens } = source();
  tokensFrom.demand(1);
  await until(() => tokens.length === 1);
  expect(tokens[0]!.camera).toBe("b");
  expect(invalid).toHaveLength(1);
  tokens[0]!.ack();
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await until(async () => (await manager.streams.info(streams.ready)).state.messages === 0);
});
