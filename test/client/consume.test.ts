import { connect, type DeliveredMessage, type SubscriptionStatus } from "@sightline/client";
import { Event, EventType, subjects } from "@sightline/contracts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { span } from "../../services/results/src/testing/event-collector.ts";
import { sampleEvent } from "../../services/results/src/testing/running-feeds.ts";
import { RunningResults } from "../../services/results/src/testing/running-results.ts";
import { SdkRig } from "./sdk-rig.ts";

let rig: SdkRig;
let abort: AbortController;
beforeEach(async () => {
  rig = await SdkRig.start();
  abort = new AbortController();
});
afterEach(() => rig.stop());

const revision = (message: DeliveredMessage) =>
  message.kind === "event" ? message.event.revision : Number.NaN;

/** Messages of the subscription that were delivered, in order; `each` says what becomes of them. */
function read(id: string, each: (message: DeliveredMessage) => unknown, maxUnacknowledged?: number) {
  const delivered: number[] = [];
  const statuses: SubscriptionStatus[] = [];
  const ended = (async () => {
    const options = {
      signal: abort.signal,
      onStatus: (s: SubscriptionStatus) => statuses.push(s),
      maxUnacknowledged,
    };
    for await (const message of rig.client.subscriptions.consume(id, options)) {
      if (message.kind === "gap") continue;
      delivered.push(revision(message));
      await each(message);
    }
  })();
  return { delivered, ended, statuses };
}

const start = (id: string, more: { ackDeadlineSeconds?: number; maxDeliveryAttempts?: number } = {}) =>
  rig.client.subscriptions.create(id, { kind: "events", start: "beginning", ...more });

const done = (id: string) =>
  expect
    .poll(() => rig.client.subscriptions.get(id), { timeout: 60_000 })
    .toMatchObject({ pending: 0, unacknowledged: 0 });

test("subscriptions are created, found, listed and removed", async () => {
  const { subscriptions } = rig.client;
  const filter = { cameras: ["front"], types: [EventType.CROSSED_LINE] };
  const made = await subscriptions.create("alerts", { kind: "events", filter, ackDeadlineSeconds: 5 });
  expect(made).toMatchObject({ name: "subscriptions/alerts", ackDeadlineSeconds: 5 });
  await subscriptions.create("frames", { kind: "detections" });
  expect(await subscriptions.get("alerts")).toMatchObject({ filter: { cameras: ["cameras/front"] } });
  const names = async () =>
    (await Array.fromAsync(subscriptions.list({ pageSize: 1 }))).map(({ name }) => name);
  expect(await names()).toEqual(["subscriptions/alerts", "subscriptions/frames"]);
  await subscriptions.delete("alerts");
  expect(await names()).toEqual(["subscriptions/frames"]);
  await expect(subscriptions.create("frames", { kind: "events" })).rejects.toMatchObject({
    code: "ALREADY_EXISTS",
    reason: "subscription_exists",
  });
});

test("results killed while messages are read: none is lost, and none comes again whose acknowledgement was confirmed", {
  timeout: 240_000,
}, async () => {
  // Longer than a busy machine takes to confirm: what is on its way again by then may come after it.
  await start("alerts", { ackDeadlineSeconds: 6 });
  const confirmed = new Set<number>();
  const again: number[] = [];
  const { delivered, statuses } = read("alerts", (message) => {
    const number = revision(message);
    if (confirmed.has(number)) again.push(number);
    void message.ack().then(
      () => confirmed.add(number),
      () => undefined,
    );
  });
  for (const [round, signal] of (["SIGKILL", "SIGTERM", "SIGKILL"] as const).entries()) {
    const publish = async (first: number, last: number) => {
      for (const number of span(100 * round + first, 100 * round + last)) await rig.event(number);
    };
    const publishing = publish(1, 90);
    await expect.poll(() => delivered.length).toBeGreaterThan(100 * round + 20);
    await rig.killResults(signal);
    await publishing;
    await publish(91, 100);
    await expect.poll(() => new Set(delivered).size, { timeout: 60_000 }).toBe(100 * (round + 1));
  }
  await done("alerts");
  await expect.poll(() => confirmed.size).toBe(300);
  expect(again).toEqual([]);
  expect(statuses.filter(({ state }) => state === "connected").length).toBeGreaterThanOrEqual(4);
});

test("acknowledgements that come together go in one call; how far behind the readers are is measured", async () => {
  const running = await RunningResults.start();
  try {
    const { subscriptions } = running.client;
    await subscriptions.create("alerts", { kind: "events", start: "beginning" });
    for (const number of span(1, 50)) {
      const data = Event.encode(sampleEvent({ id: "e1", revision: number })).finish();
      await running.nats.jetstream.publish(subjects.event("front", "e1"), data);
    }
    const unanswered: DeliveredMessage[] = [];
    for await (const message of subscriptions.consume("alerts")) {
      if (message.kind !== "gap" && unanswered.push(message) === 50) break;
    }
    const behind = (state: string) =>
      running.metric(`sightline_subscription_${state}{subscription="alerts"}`);
    await expect.poll(() => behind("unacknowledged_messages")).toBe(50);
    await Promise.all(unanswered.map((message) => message.ack()));
    const calls = () => running.metric('sightline_grpc_calls_total{method="Acknowledge",code="OK"}');
    await expect.poll(calls).toBe(1);
    await expect.poll(() => behind("unacknowledged_messages")).toBe(0);
    expect([await behind("pending_messages"), await behind("dead_letters")]).toEqual([0, 0]);
  } finally {
    await running.stop();
  }
});

test("process: in order, acknowledged; a handler that throws gets the message again, and at last it is a dead letter", async () => {
  await start("alerts", { maxDeliveryAttempts: 2 });
  for (const number of span(1, 20)) await rig.event(number);
  const handled: number[] = [];
  const failures: unknown[] = [];
  const processing = rig.client.subscriptions.process(
    "alerts",
    async (message) => {
      handled.push(revision(message));
      if (revision(message) === 7) throw new Error("seven");
    },
    { signal: abort.signal, retryDelaySeconds: () => 0.2, onFailure: (error) => failures.push(error) },
  );
  const letters = () => Array.fromAsync(rig.client.subscriptions.deadLetters("alerts"));
  await expect
    .poll(letters)
    .toMatchObject([{ message: { $case: "event", value: { revision: 7 } }, deliveryAttempts: 2 }]);
  const others = () => handled.filter((number) => number !== 7);
  await expect.poll(others).toEqual(span(1, 20).filter((number) => number !== 7));
  expect(handled.filter((number) => number === 7)).toHaveLength(2);
  expect(failures).toEqual([new Error("seven"), new Error("seven")]);
  await done("alerts");
  const [letter] = await letters();
  await rig.client.subscriptions.deleteDeadLetter(letter!.name);
  expect(await letters()).toEqual([]);
  abort.abort();
  await processing;
});

test("process: cameras side by side, each in order; at most so many at a time", async () => {
  await start("alerts");
  const cameras = ["a", "b", "c", "d"];
  for (const number of span(1, 10)) for (const camera of cameras) await rig.event(number, camera);
  const running = new Set<string>();
  const handled: Record<string, number[]> = {};
  let most = 0;
  let overlapping = false;
  const full = Promise.withResolvers<void>();
  const processing = rig.client.subscriptions.process(
    "alerts",
    async (message) => {
      if (message.kind !== "event") return;
      const camera = message.event.name.split("/")[1]!;
      if (running.has(camera)) overlapping = true;
      running.add(camera);
      most = Math.max(most, running.size);
      if (most === 3) full.resolve();
      // However slowly messages come: the first wait for as many as may run.
      await full.promise;
      await new Promise((resolve) => setTimeout(resolve, 5));
      running.delete(camera);
      handled[camera] = [...(handled[camera] ?? []), message.event.revision];
    },
    { signal: abort.signal, concurrency: 3 },
  );
  await done("alerts");
  expect(handled).toEqual(Object.fromEntries(cameras.map((camera) => [camera, span(1, 10)])));
  expect(most).toBe(3);
  expect(overlapping).toBe(false);
  abort.abort();
  await processing;
});

test("process: an abort lets the handler that runs end and acknowledges it; the rest goes to others at once", async () => {
  await start("alerts", { ackDeadlineSeconds: 600 });
  for (const number of span(1, 20)) await rig.event(number);
  const finish = Promise.withResolvers<void>();
  const handled: number[] = [];
  const client = connect(rig.results.address);
  const processing = client.subscriptions.process(
    "alerts",
    async (message) => {
      handled.push(revision(message));
      if (revision(message) < 5) return;
      abort.abort();
      await finish.promise;
    },
    { signal: abort.signal },
  );
  await expect.poll(() => handled).toEqual(span(1, 5));
  finish.resolve();
  await processing;
  // Nothing is on its way any more, which this would cut off.
  client.close();
  expect(handled).toEqual(span(1, 5));
  abort = new AbortController();
  const { delivered } = read("alerts", (message) => message.ack());
  await expect.poll(() => delivered.toSorted((a, b) => a - b)).toEqual(span(6, 20));
  await done("alerts");
});
