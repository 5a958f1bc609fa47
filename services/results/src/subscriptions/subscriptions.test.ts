import { status } from "@grpc/grpc-js";
import {
  EventType,
  FrameDetections,
  GapReason,
  streams,
  subjects,
  TimelineEntry,
} from "@sightline/contracts";
import { EventFilter, SubscriptionKind } from "@sightline/contracts/api";
import { NatsServer } from "@sightline/service/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call, Reader, RunningSubscriptions } from "../testing/running-subscriptions.ts";

let server: NatsServer;
let service: RunningSubscriptions;
let open: { stop(): unknown }[];

beforeEach(async () => {
  server = await NatsServer.start();
  service = await RunningSubscriptions.start(server);
  open = [service];
});
afterEach(async () => {
  for (const part of open.reverse()) await part.stop();
  await server.stop();
});

function reader(...args: ConstructorParameters<typeof Reader>): Reader {
  const made = new Reader(...args);
  open.push(made);
  return made;
}

/** A reader that acknowledges all it is given, through `via`. */
function diligent(id: string, via = service, on = service): Reader {
  return reader(on, id, 0, ({ ackId }) => void via.acknowledge(id, ackId).catch(leftBehind));
}

/** For answers that may come when the test is over. */
const leftBehind = () => undefined;

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test("a subscription is created, found, listed and removed", async () => {
  const made = await service.create("alarm", { ackDeadlineSeconds: 0 });
  expect(made).toMatchObject({
    name: "subscriptions/alarm",
    kind: SubscriptionKind.EVENTS,
    ackDeadlineSeconds: 30,
    maxDeliveryAttempts: 10,
  });
  expect(await service.create("alarm")).toMatchObject({ name: "subscriptions/alarm" });
  await service.create("bell");
  const page = await call<{ subscriptions: { name: string }[]; nextPageToken: string }>((done) =>
    service.client.listSubscriptions({ pageSize: 1, pageToken: "" }, done),
  );
  expect(page.subscriptions.map(({ name }) => name)).toEqual(["subscriptions/alarm"]);
  const next = await call<typeof page>((done) =>
    service.client.listSubscriptions({ pageSize: 1, pageToken: page.nextPageToken }, done),
  );
  expect(next).toMatchObject({ subscriptions: [{ name: "subscriptions/bell" }], nextPageToken: "" });
  await call((done) => service.client.deleteSubscription({ name: "subscriptions/alarm" }, done));
  await expect(service.get("alarm")).rejects.toMatchObject({ code: status.NOT_FOUND });
  expect((await service.nats.manager.streams.info(streams.events)).state.consumer_count).toBe(1);
});

test("what cannot be is refused with what to do", async () => {
  await service.create("alarm");
  const refused = (
    id: string,
    settings: Parameters<RunningSubscriptions["create"]>[1],
    text: string | RegExp,
  ) => expect(service.create(id, settings)).rejects.toMatchObject({ details: expect.stringMatching(text) });
  await refused("Alarm!", {}, "subscription_id is not valid");
  await refused("a", { kind: SubscriptionKind.UNSPECIFIED }, "kind is not set");
  await refused("a", { ackDeadlineSeconds: 601 }, "ack_deadline_seconds is 601");
  const both = { ackDeadlineSeconds: 601, maxDeliveryAttempts: 1001 };
  await refused("a", both, /ack_deadline_seconds is 601.*\nsubscription.max_delivery_attempts is 1001/);
  await refused("a", { start: { position: { $case: "cursor", value: "x" } } }, "cursor is damaged");
  const zones = EventFilter.fromPartial({ zones: ["road"] });
  await refused("a", { kind: SubscriptionKind.DETECTIONS, filter: zones }, "which frames do not have");
  await refused("alarm", { maxDeliveryAttempts: 3 }, "exists and differs");
  await expect(service.acknowledge("alarm", "bm9uc2Vuc2U")).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
  });
  const other = Buffer.from("$JS.ACK.EVENTS.sub-bell.1.1.1.1.0").toString("base64url");
  await expect(service.acknowledge("alarm", other)).rejects.toMatchObject({
    details: expect.stringContaining("not one of subscription 'alarm'"),
  });
});

test("a message is delivered until it is acknowledged; a reader's are given to another when it leaves", async () => {
  await service.create("alarm");
  for (const number of upTo(3)) await service.publishEvent(number);
  const first = reader(service, "alarm");
  await expect.poll(() => first.numbers).toEqual([1, 2, 3]);
  await service.acknowledge("alarm", first.received[1]!.ackId);
  first.stop();
  const second = reader(service, "alarm");
  await expect.poll(() => second.numbers.sort()).toEqual([1, 3]);
  expect(second.received.map(({ deliveryAttempt }) => deliveryAttempt)).toEqual([2, 2]);
});

test("what is not acknowledged in time is delivered again", async () => {
  await service.create("alarm", { ackDeadlineSeconds: 1 });
  await service.publishEvent(1);
  const slow = reader(service, "alarm");
  await expect.poll(() => slow.received.map(({ deliveryAttempt }) => deliveryAttempt)).toEqual([1, 2]);
  await service.acknowledge("alarm", slow.received[1]!.ackId);
  await expect.poll(async () => (await service.get("alarm")).unacknowledged).toBe(0);
});

test("readers of one subscription share its messages, each by one of them", async () => {
  await service.create("alarm");
  const readers = [diligent("alarm"), diligent("alarm"), diligent("alarm")];
  for (const number of upTo(60)) await service.publishEvent(number);
  const all = () => readers.flatMap(({ numbers }) => numbers).sort((a, b) => a - b);
  await expect.poll(all).toEqual(upTo(60));
  await expect.poll(async () => await service.get("alarm")).toMatchObject({ pending: 0, unacknowledged: 0 });
});

test("no more than max_unacknowledged are given at a time, in order", async () => {
  await service.create("alarm");
  for (const number of upTo(10)) await service.publishEvent(number);
  const careful = reader(service, "alarm", 4);
  for (const given of [4, 8, 10]) {
    await expect.poll(() => careful.numbers).toEqual(upTo(given));
    const unanswered = careful.received.slice(-4);
    await expect.poll(() => service.get("alarm")).toMatchObject({ pending: 10 - given });
    await service.acknowledge("alarm", ...unanswered.map(({ ackId }) => ackId));
  }
  await expect.poll(() => service.get("alarm")).toMatchObject({ pending: 0, unacknowledged: 0 });
});

test("acknowledgements may go through another results service, and free the reader's place all the same", async () => {
  const other = await RunningSubscriptions.start(server);
  open.push(other);
  await service.create("alarm");
  await expect.poll(async () => (await other.get("alarm")).name).toBe("subscriptions/alarm");
  const far = reader(
    service,
    "alarm",
    1,
    ({ ackId }) => void other.acknowledge("alarm", ackId).catch(leftBehind),
  );
  for (const number of upTo(5)) await service.publishEvent(number);
  await expect.poll(() => far.numbers).toEqual(upTo(5));
});

test("what the filter does not let through is not delivered, and keeps nobody waiting", async () => {
  const filter = EventFilter.fromPartial({ cameras: ["cameras/back"], types: [EventType.LEFT] });
  await service.create("alarm", { filter });
  await service.publishEvent(1, "front", EventType.LEFT);
  await service.publishEvent(2, "back", EventType.APPEARED);
  await service.publishEvent(3, "back", EventType.LEFT);
  const only = diligent("alarm");
  await expect.poll(() => only.numbers).toEqual([3]);
  await expect.poll(() => service.get("alarm")).toMatchObject({ pending: 0, unacknowledged: 0 });
});

test("a message that fails too often becomes a dead letter, and can be tried again", async () => {
  await service.create("alarm", { maxDeliveryAttempts: 2 });
  await service.publishEvent(1);
  await service.publishEvent(2);
  let patience = false;
  const picky = reader(service, "alarm", 0, ({ ackId, message }) => {
    const bad = message?.$case === "event" && message.value.revision === 1 && !patience;
    void (bad ? service.reject("alarm", [ackId]) : service.acknowledge("alarm", ackId)).catch(leftBehind);
  });
  await expect.poll(async () => (await service.get("alarm")).deadLetters).toBe(1);
  await expect.poll(() => picky.numbers.sort()).toEqual([1, 1, 2]);
  const [letter] = (await service.deadLetters("alarm")).deadLetters;
  expect(letter).toMatchObject({
    reason: "delivered 2 times and never acknowledged",
    deliveryAttempts: 2,
    message: { $case: "event", value: { name: "cameras/front/events/e1" } },
  });
  patience = true;
  await call((done) => service.client.deleteDeadLetter({ name: letter!.name, redeliver: true }, done));
  await expect.poll(() => picky.numbers.sort()).toEqual([1, 1, 1, 2]);
  expect(await service.get("alarm")).toMatchObject({ deadLetters: 0 });
  await expect(
    call((done) => service.client.deleteDeadLetter({ name: letter!.name, redeliver: false }, done)),
  ).rejects.toMatchObject({ code: status.NOT_FOUND });
});

test("a reader may say at once that a message is a dead letter; they are listed by page", async () => {
  await service.create("alarm");
  for (const number of upTo(3)) await service.publishEvent(number);
  reader(service, "alarm", 0, ({ ackId }) => {
    void service.reject("alarm", [ackId], { deadLetter: true, reason: "410 Gone" }).catch(leftBehind);
  });
  await expect.poll(async () => (await service.get("alarm")).deadLetters).toBe(3);
  const first = await service.deadLetters("alarm", 2);
  const second = await service.deadLetters("alarm", 2, first.nextPageToken);
  expect([first.deadLetters.length, second.deadLetters.length, second.nextPageToken]).toEqual([2, 1, ""]);
  expect(first.deadLetters[0]).toMatchObject({ reason: "410 Gone", deliveryAttempts: 1 });
});

test("a rejected message waits for its delay", async () => {
  await service.create("alarm");
  await service.publishEvent(1);
  const at: number[] = [];
  reader(service, "alarm", 0, ({ ackId }) => {
    at.push(performance.now());
    if (at.length === 1) void service.reject("alarm", [ackId], { delaySeconds: 1 }).catch(leftBehind);
    else void service.acknowledge("alarm", ackId).catch(leftBehind);
  });
  await expect.poll(() => at.length).toBe(2);
  expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(950);
});

test("frames are delivered as events are", async () => {
  const filter = EventFilter.fromPartial({ cameras: ["cameras/front"], classes: ["person"] });
  await service.create("frames", { kind: SubscriptionKind.DETECTIONS, filter });
  for (const [number, className] of [
    [1, "person"],
    [2, "dog"],
    [3, "person"],
  ] as const) {
    const value = FrameDetections.fromPartial({
      frame: { camera: "cameras/front", epoch: "a", number },
      detections: [{ className, score: 0.9 }],
    });
    const entry = TimelineEntry.fromPartial({ entry: { $case: "frame", value } });
    await service.nats.jetstream.publish(subjects.timeline("front"), TimelineEntry.encode(entry).finish());
  }
  const frames = diligent("frames");
  const numbers = () =>
    frames.received.map(({ message }) => message?.$case === "frame" && message.value.frame?.number);
  await expect.poll(numbers).toEqual([1, 3]);
});

test("frames that were not analysed are told of in their place, to readers of their camera", async () => {
  const of = (camera: string) => EventFilter.fromPartial({ cameras: [`cameras/${camera}`] });
  for (const camera of ["front", "back"])
    await service.create(camera, { kind: SubscriptionKind.DETECTIONS, filter: of(camera) });
  const entry = TimelineEntry.fromPartial({ entry: { $case: "lost", value: { frames: 7 } } });
  await service.publishFrame(1);
  await service.nats.jetstream.publish(subjects.timeline("front"), TimelineEntry.encode(entry).finish());
  await service.publishFrame(9);
  await service.publishFrame(1, "back");
  const told = ({ received }: Reader) =>
    received.map(({ message }) =>
      message?.$case === "gap"
        ? [message.value.reason, message.value.camera, message.value.messages]
        : message?.$case === "frame" && message.value.frame?.number,
    );
  const [front, back] = [diligent("front"), diligent("back")];
  await expect.poll(() => told(front)).toEqual([1, [GapReason.NOT_ANALYSED, "cameras/front", 7], 9]);
  await expect.poll(() => told(back)).toEqual([1]);
});
