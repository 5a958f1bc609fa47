import { connect, type DetectionEvent, type EventMessage, type SubscriptionStatus } from "@sightline/client";
import { streams } from "@sightline/contracts";
import { freePort } from "@sightline/service/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { span } from "../../services/results/src/testing/event-collector.ts";
import { KillableResults } from "../../services/results/src/testing/results-process.ts";
import { CountingProxy } from "./counting-proxy.ts";
import { SdkRig } from "./sdk-rig.ts";

let rig: SdkRig;
beforeEach(async () => {
  rig = await SdkRig.start();
});
afterEach(() => rig.stop());

/** Runs a loop over a subscription, and keeps what it was given. */
function follow<T extends DetectionEvent | EventMessage>(
  messages: AsyncGenerator<T, void>,
  each: (message: T) => unknown = () => undefined,
) {
  const got: T[] = [];
  const ended = (async () => {
    for await (const message of messages) {
      got.push(message);
      await each(message);
    }
  })();
  ended.catch(() => undefined);
  return { got, ended, numbers: () => got.flatMap(numberOf) };
}

function numberOf(message: DetectionEvent | EventMessage): number[] {
  if (message.kind === "frame") return [message.frame.frame!.number];
  return message.kind === "event" ? [message.event.revision] : [];
}

/** Options of a subscription, and a promise of its first connection. */
function opening() {
  const statuses: SubscriptionStatus[] = [];
  const opened = Promise.withResolvers<void>();
  return {
    opened: opened.promise,
    statuses,
    options: {
      onOpen: () => opened.resolve(),
      onStatus: (status: SubscriptionStatus) => statuses.push(status),
    },
  };
}

test("results killed again and again: loops go on by themselves, nothing is lost and nothing comes twice", {
  timeout: 240_000,
}, async () => {
  const first = opening();
  const events = follow(rig.client.events.subscribe(first.options));
  const frames = follow(rig.client.detections.subscribe({ start: "beginning" }));
  await first.opened;
  const all = [events, frames];
  for (const [round, signal] of (["SIGKILL", "SIGTERM", "SIGKILL"] as const).entries()) {
    const publish = async (first: number, last: number) => {
      for (const number of span(100 * round + first, 100 * round + last))
        await Promise.all([rig.event(number), rig.frame(number)]);
    };
    const publishing = publish(1, 90);
    await expect.poll(() => events.numbers().length).toBeGreaterThan(100 * round + 20);
    await rig.killResults(signal);
    await publishing;
    await publish(91, 100);
    for (const { numbers } of all) await expect.poll(() => numbers().length).toBe(100 * (round + 1));
  }
  for (const { numbers, got } of all) {
    expect(numbers()).toEqual(span(1, 300));
    expect(got.every(({ kind }) => kind === "event" || kind === "frame")).toBe(true);
  }
  const states = first.statuses.map(({ state }) => state);
  expect(states.filter((state) => state === "connected").length).toBeGreaterThanOrEqual(4);
  expect(states.slice(0, 5)).toEqual(["connecting", "connected", "waiting", "connecting", expect.anything()]);
  expect(first.statuses.find(({ state }) => state === "waiting")).toMatchObject({
    reason: { name: "SightlineError" },
    retryInMs: expect.any(Number),
  });
});

test("newest, with the connection lost before anything came: what was made meanwhile comes, also into a stream made anew", async () => {
  await rig.event(1);
  const { opened, options } = opening();
  const events = follow(rig.client.events.subscribe(options));
  await opened;
  await rig.results.kill();
  await rig.event(2);
  rig.results.start();
  await rig.event(3);
  await expect.poll(events.numbers).toEqual([2, 3]);
  await rig.results.kill();
  await rig.nats.manager.streams.delete(streams.events);
  rig.results.start();
  await rig.event(4);
  await expect.poll(events.numbers, { timeout: 30_000 }).toEqual([2, 3, 4]);
  expect(events.got.map(({ kind }) => kind)).toEqual(["event", "event", "gap", "event"]);
  expect(events.got[2]).toMatchObject({
    gap: { reason: "stream_reset", firstAvailableTime: expect.any(Date) },
  });
});

test("NATS killed and back: loops go on, nothing is lost and nothing comes twice", async () => {
  const { opened, options } = opening();
  const events = follow(rig.client.events.subscribe(options));
  await opened;
  for (const number of span(1, 20)) await rig.event(number);
  await rig.server.down("SIGKILL");
  await rig.server.up();
  for (const number of span(21, 40)) await rig.event(number);
  await expect.poll(events.numbers).toEqual(span(1, 40));
});

test("live detections go on too, and say where the connection was lost", async () => {
  const { opened, options, statuses } = opening();
  const live = follow(rig.client.detections.subscribe(options));
  await opened;
  await rig.frame(1);
  await expect.poll(live.numbers).toEqual([1]);
  await rig.killResults();
  await expect.poll(() => statuses.filter(({ state }) => state === "connected").length).toBe(2);
  await rig.frame(2);
  await expect.poll(live.numbers).toEqual([1, 2]);
  expect(live.got.map(({ kind }) => kind)).toEqual(["frame", "interrupted", "frame"]);
  expect(live.got[1]).toMatchObject({ reason: { code: "UNAVAILABLE" } });
});

test("a slow loop holds up nobody else, gets everything in the end, and until then it stays with the server", async () => {
  const frames = 300;
  const proxy = await CountingProxy.start(rig.results.address);
  const slowClient = connect(proxy.address);
  try {
    const held = Promise.withResolvers<void>();
    const [first, second] = [opening(), opening()];
    const slow = follow(
      slowClient.detections.subscribe({ start: "newest", ...first.options }),
      () => held.promise,
    );
    const fast = follow(rig.client.detections.subscribe({ start: "newest", ...second.options }));
    await Promise.all([first.opened, second.opened]);
    // Some 35 kB each.
    const found = Array.from({ length: 600 }, (): [string, number] => ["person", 0.9]);
    for (const number of span(1, frames)) await rig.frame(number, { found });
    await expect.poll(() => fast.numbers().length).toBe(frames);
    await expect.poll(slow.numbers).toEqual([1]);
    const early = proxy.bytes;
    held.resolve();
    await expect.poll(() => slow.numbers().length).toBe(frames);
    expect(slow.numbers()).toEqual(span(1, frames));
    expect(early).toBeLessThan(proxy.bytes / 5);
  } finally {
    slowClient.close();
    proxy.stop();
  }
});

test("what trying again would not change is thrown", async () => {
  const refused = (start: { cursor: string } | Date) => rig.client.events.subscribe({ start }).next();
  await expect(refused({ cursor: "rubbish" })).rejects.toMatchObject({
    name: "SightlineError",
    code: "INVALID_ARGUMENT",
    reason: "cursor_corrupt",
  });
  await expect(refused(new Date("never"))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(rig.client.detections.subscribe({ minScore: 2 }).next()).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    reason: "invalid_argument",
  });
  await expect(rig.client.subscriptions.consume("nobody").next()).rejects.toMatchObject({
    code: "NOT_FOUND",
    reason: "subscription_not_found",
  });
});

test("with reconnect: false a lost connection is thrown; with a server that is not there too", async () => {
  const { opened, options } = opening();
  const events = follow(rig.client.events.subscribe({ ...options, reconnect: false }));
  await opened;
  await rig.results.kill();
  await expect(events.ended).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect(rig.client.events.subscribe({ reconnect: false }).next()).rejects.toMatchObject({
    code: "UNAVAILABLE",
  });
});

test("abort and close end a loop that waits for the server", async () => {
  await rig.results.kill();
  const abort = new AbortController();
  const aborted = follow(rig.client.events.subscribe({ signal: abort.signal }));
  const { options, statuses } = opening();
  const closed = follow(rig.client.events.subscribe(options));
  await expect.poll(() => statuses.at(-1)?.state).toBe("waiting");
  abort.abort();
  await aborted.ended;
  rig.client.close();
  await closed.ended;
  await expect(rig.client.cameras.get("front")).rejects.toMatchObject({ code: "CANCELLED" });
});

test("of several servers the next is used when one stands still, is killed or stops: nothing is lost and nothing comes twice", async () => {
  const second = new KillableResults(rig.server.url, `127.0.0.1:${await freePort()}`);
  second.start();
  const client = connect(`${rig.results.address},${second.address}`);
  const publish = async (from: number, to: number) => {
    for (const number of span(from, to)) await rig.event(number);
  };
  try {
    const both = [rig.results, second].map(({ address }) => connect(address));
    for (const each of both) {
      await each.ready(30_000);
      each.close();
    }
    const { opened, statuses, options } = opening();
    const events = follow(client.events.subscribe(options));
    await opened;
    await publish(1, 10);
    await expect.poll(() => events.numbers().length).toBe(10);
    rig.results.freeze(true);
    await publish(11, 20);
    await expect.poll(() => events.numbers().length).toBe(20);
    expect(await Array.fromAsync(client.cameras.list())).toEqual([]);
    rig.results.freeze(false);
    await second.kill("SIGKILL");
    await publish(21, 30);
    await expect.poll(() => events.numbers().length).toBe(30);
    second.start();
    await rig.results.kill("SIGTERM");
    await publish(31, 40);
    await expect.poll(() => events.numbers().length).toBe(40);
    expect(events.numbers()).toEqual(span(1, 40));
    expect(events.got.every(({ kind }) => kind === "event")).toBe(true);
    expect(statuses.filter(({ state }) => state === "connected").length).toBeGreaterThanOrEqual(4);
  } finally {
    client.close();
    rig.results.freeze(false);
    await second.kill();
  }
});

test("of several servers one that does not take a connection is left: by a subscription, and by a watch that is begun again", async () => {
  const second = new KillableResults(rig.server.url, `127.0.0.1:${await freePort()}`);
  second.start();
  const addresses = `${rig.results.address},${second.address}`;
  const [subscriber, watcher] = [connect(addresses), connect(addresses)];
  try {
    const ready = connect(second.address);
    await ready.ready(30_000);
    ready.close();
    rig.results.freeze(true);
    const { opened, options } = opening();
    const events = follow(subscriber.events.subscribe(options));
    await opened;
    for (const number of span(1, 5)) await rig.event(number);
    await expect.poll(() => events.numbers()).toEqual(span(1, 5));

    const opens = Promise.withResolvers<void>();
    const watch = () => watcher.cameras.watch({ onOpen: () => opens.resolve() }).next();
    await expect(watch()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    const again = watch().catch(() => undefined);
    await opens.promise;
    watcher.close();
    await again;
  } finally {
    subscriber.close();
    watcher.close();
    rig.results.freeze(false);
    await second.kill();
  }
});
