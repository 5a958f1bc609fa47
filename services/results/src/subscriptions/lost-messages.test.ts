import { GapReason, streams } from "@sightline/contracts";
import { EventFilter, SubscriptionKind } from "@sightline/contracts/api";
import { connectNats, createLogger, unknownTime } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeCursor, streamIdentity } from "../feeds/cursor.ts";
import { CuttableLink } from "../testing/cuttable-link.ts";
import { publishEvent, Reader, RunningSubscriptions } from "../testing/running-subscriptions.ts";

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

/** Lets the messages before `seq` expire. It is not a purge, which moves the places of consumers on. */
async function expireBefore(stream: string, seq: number): Promise<void> {
  const { manager } = service.nats;
  const { state, config } = await manager.streams.info(stream);
  await manager.streams.update(stream, { max_msgs: state.last_seq - seq + 1 });
  await manager.streams.update(stream, { max_msgs: config.max_msgs });
}

/** Waits until a reader asks for messages, or none does: a reader has looked for what is gone before it does. */
async function asking(stream: string, isAsking: boolean): Promise<void> {
  const consumer = () => service.nats.manager.consumers.info(stream, "sub-rare");
  await expect.poll(async () => (await consumer()).num_waiting > 0).toBe(isAsking);
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Another results service on the same NATS. */
async function restartService(): Promise<void> {
  await service.stop();
  service = await RunningSubscriptions.start(server);
  open = [service];
}

describe.each(["events", "detections"] as const)("%s that expired and were not wanted are no gap", (kind) => {
  const [stream, value] =
    kind === "events"
      ? [streams.events, SubscriptionKind.EVENTS]
      : [streams.timeline, SubscriptionKind.DETECTIONS];
  const publish = (number: number, camera: string) =>
    kind === "events" ? service.publishEvent(number, camera) : service.publishFrame(number, camera);

  // The server filters for one camera's frames only; everything else is passed over here.
  test.each([{ wanted: ["back"] }, { wanted: ["back", "side"] }])(
    "to who reads $wanted",
    async ({ wanted }) => {
      const filter = EventFilter.fromPartial({ cameras: wanted.map((camera) => `cameras/${camera}`) });
      await service.create("rare", { kind: value, filter });
      for (const number of upTo(30)) await publish(number, "front");
      const done = { pending: 0, unacknowledged: 0 };
      const first = diligent("rare");
      await expect.poll(() => service.get("rare")).toMatchObject(done);
      await asking(stream, true);
      first.stop();
      await asking(stream, false);
      await expireBefore(stream, 30);
      // It looks for what is gone before it takes anything.
      const second = diligent("rare");
      await publish(31, "back");
      await expect.poll(() => second.received.length).toBe(1);
      await expect.poll(() => service.get("rare")).toMatchObject(done);
      expect(second.received).toMatchObject([{ message: { $case: kind === "events" ? "event" : "frame" } }]);
      expect(first.received).toEqual([]);
    },
  );
});

test("what a consumer has passed over is no gap when NATS has forgotten that it did", async () => {
  const filter = EventFilter.fromPartial({ cameras: ["cameras/back"] });
  await service.create("rare", { kind: SubscriptionKind.DETECTIONS, filter });
  const consumer = () => service.nats.manager.consumers.info(streams.timeline, "sub-rare");
  for (const number of upTo(30)) await service.publishFrame(number, "front");
  const first = diligent("rare");
  await expect.poll(() => service.get("rare")).toMatchObject({ pending: 0 });
  await asking(streams.timeline, true);
  first.stop();
  await asking(streams.timeline, false);
  const second = diligent("rare");
  await asking(streams.timeline, true);
  second.stop();
  await asking(streams.timeline, false);
  await expireBefore(streams.timeline, 30);
  await server.down();
  await server.up();
  await expect
    .poll(() =>
      consumer().then(
        ({ delivered }) => delivered.stream_seq,
        () => undefined,
      ),
    )
    .toBe(0);
  const third = diligent("rare");
  await service.publishFrame(31, "back");
  await expect.poll(() => third.received.length).toBe(1);
  expect(third.received).toMatchObject([{ message: { $case: "frame" } }]);
});

test("what expired of other cameras while nobody read is no gap, and what expired of its own is one", async () => {
  const filter = EventFilter.fromPartial({ cameras: ["cameras/back"] });
  await service.create("rare", { kind: SubscriptionKind.DETECTIONS, filter });
  await service.publishFrame(1, "back");
  const first = diligent("rare");
  await expect.poll(() => first.received.length).toBe(1);
  await expect.poll(() => service.get("rare")).toMatchObject({ unacknowledged: 0 });
  first.stop();
  await restartService();
  for (const number of upTo(10)) await service.publishFrame(number, "front");
  await service.publishFrame(2, "back");
  await expireBefore(streams.timeline, 12);
  const second = diligent("rare");
  await expect.poll(() => second.received).toMatchObject([{ message: { $case: "frame" } }]);
  await expect.poll(() => service.get("rare")).toMatchObject({ unacknowledged: 0 });
  second.stop();
  await restartService();
  await service.publishFrame(3, "back");
  await service.publishFrame(4, "back");
  await expireBefore(streams.timeline, 14);
  const third = diligent("rare");
  await expect.poll(() => third.received.length).toBe(2);
  expect(third.received).toMatchObject([
    { message: { $case: "gap", value: { reason: GapReason.EXPIRED } } },
    { message: { $case: "frame" } },
  ]);
});

describe("NATS that lost the newest messages", () => {
  const told = ({ received }: Reader) =>
    received.flatMap(({ message }) => (message?.$case === "gap" ? [message.value.reason] : []));
  const publish = (number: number) =>
    expect
      .poll(() =>
        service.publishEvent(number).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);

  test.each(["is reading", "is away"])("while a reader %s", async (reading) => {
    await service.create("alarm");
    const first = diligent("alarm");
    await publish(1);
    await expect.poll(() => first.numbers).toEqual([1]);
    await expect.poll(() => service.get("alarm")).toMatchObject({ unacknowledged: 0 });
    const goBack = await server.keepCopy(streams.events);
    for (const number of [2, 3, 4]) await publish(number);
    // A server that is restarted may not have stored the last acknowledgement: then 1 comes once more.
    await expect.poll(() => [...new Set(first.numbers)]).toEqual([1, 2, 3, 4]);
    await expect.poll(() => service.get("alarm")).toMatchObject({ unacknowledged: 0 });
    let known = true;
    if (reading === "is away") {
      first.stop();
      await service.stop();
      await goBack();
      service = await RunningSubscriptions.start(server);
      open = [service];
      // Newer servers set a consumer back with its stream; then nothing is left that tells of it to who was away.
      const { manager } = service.nats;
      const { description = "" } = (await manager.consumers.info(streams.events, "sub-alarm")).config;
      known = description !== "";
    } else await goBack();
    // They bear the sequences of those that are lost.
    for (const number of [5, 6]) await publish(number);
    const second = reading === "is away" ? diligent("alarm") : first;
    const all = () => [...new Set([...first.numbers, ...second.numbers])];
    await expect.poll(all).toEqual(upTo(6));
    if (known) await expect.poll(() => told(second)).toEqual([GapReason.STREAM_RESET]);
    await expect.poll(() => service.get("alarm")).toMatchObject({ unacknowledged: 0, pending: 0 });
    expect(second.numbers.filter((number) => number > 4)).toEqual([5, 6]);
  });

  test("while nobody reads, and others store messages before the service is back", async () => {
    await service.stop();
    const link = await CuttableLink.start(Number(new URL(server.url).port));
    service = await RunningSubscriptions.start({ url: `nats://127.0.0.1:${link.port}` });
    const analysis = await connectNats(server.url, "test", createLogger("test", "fatal"));
    open = [{ stop: () => link.cut() }, service, { stop: () => analysis.connection.close() }];
    const store = (number: number) =>
      expect
        .poll(() =>
          publishEvent(analysis, number).then(
            () => true,
            () => false,
          ),
        )
        .toBe(true);
    await service.create("alarm");
    const first = diligent("alarm");
    await store(1);
    await expect.poll(() => first.numbers).toEqual([1]);
    const goBack = await server.keepCopy(streams.events);
    for (const number of [2, 3, 4]) await store(number);
    await expect.poll(() => [...new Set(first.numbers)]).toEqual([1, 2, 3, 4]);
    await expect.poll(() => service.get("alarm")).toMatchObject({ pending: 0, unacknowledged: 0 });
    first.stop();
    link.cut();
    await goBack();
    // As many as were lost, and more: the stream is not shorter than before when the service looks.
    for (const number of [5, 6, 7, 8]) await store(number);
    await link.join();
    const second = diligent("alarm");
    // Some may come twice: before the service has noticed the loss, and once more after it has told of it.
    await expect.poll(() => second.numbers.slice(-4)).toEqual([5, 6, 7, 8]);
    await expect.poll(() => told(second)).toEqual([GapReason.STREAM_RESET]);
    await expect.poll(() => service.get("alarm")).toMatchObject({ pending: 0, unacknowledged: 0 });
    const twice = second.numbers.slice(0, -4);
    expect(twice).toEqual([...new Set(twice)]);
  });

  test("all of them, and the stream with them: it begins anew, also one that is made with a cursor of before", async () => {
    await service.create("alarm", { start: { position: { $case: "newest", value: true } } });
    const steady = diligent("alarm");
    await publish(1);
    await expect.poll(() => steady.numbers).toEqual([1]);
    const place = { sequence: 1, time: unknownTime };
    const old = encodeCursor("events", await service.identity(streams.events), place);
    await service.nats.manager.streams.delete(streams.events);
    await service.makeStreams();
    await service.identity(streams.events);
    for (const number of [2, 3]) await publish(number);
    await expect.poll(() => steady.numbers).toEqual([1, 2, 3]);
    await expect.poll(() => told(steady)).toEqual([GapReason.STREAM_RESET]);
    await service.create("late", { start: { position: { $case: "cursor", value: old } } });
    const late = diligent("late");
    await expect.poll(() => late.numbers).toEqual([2, 3]);
    await expect.poll(() => told(late)).toEqual([GapReason.STREAM_RESET]);
    const foreign = encodeCursor("events", streamIdentity(streams.events, "of another system"), place);
    const refused = service.create("stranger", { start: { position: { $case: "cursor", value: foreign } } });
    await expect(refused).rejects.toMatchObject({ details: expect.stringContaining("another system") });
  });
});

test("messages that expired unread are told of, once", async () => {
  await service.create("alarm");
  for (const number of upTo(6)) await service.publishEvent(number);
  await service.nats.manager.streams.update(streams.events, { max_msgs: 2 });
  const late = diligent("alarm");
  await expect.poll(() => late.numbers).toEqual([5, 6]);
  const gaps = late.received.flatMap(({ message }) => (message?.$case === "gap" ? [message.value] : []));
  expect(gaps).toMatchObject([{ messages: 4 }]);
  const later = reader(service, "alarm");
  await service.publishEvent(7);
  await expect.poll(() => [...later.numbers, ...late.numbers]).toContain(7);
  expect(later.received.some(({ message }) => message?.$case === "gap")).toBe(false);
});

test("nothing is lost and all is delivered when NATS is killed in between", async () => {
  await service.create("alarm", { ackDeadlineSeconds: 2 });
  const steady = diligent("alarm");
  for (const number of upTo(20)) await service.publishEvent(number);
  await expect.poll(() => steady.numbers.length).toBeGreaterThan(5);
  await server.down("SIGKILL");
  await server.up();
  const publish = async (number: number) => {
    await expect
      .poll(() =>
        service.publishEvent(number).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  };
  for (const number of upTo(20)) await publish(20 + number);
  await expect.poll(() => new Set(steady.numbers)).toEqual(new Set(upTo(40)));
});

test("a subscription outlives the results service", async () => {
  await service.create("alarm");
  await service.publishEvent(1);
  const before = diligent("alarm");
  await expect.poll(() => before.numbers).toEqual([1]);
  await expect.poll(async () => (await service.get("alarm")).unacknowledged).toBe(0);
  await restartService();
  await service.publishEvent(2);
  const after = diligent("alarm");
  await expect.poll(() => after.numbers).toEqual([2]);
});
