import { EventType, GapReason, streams } from "@sightline/contracts";
import { nanosOf, streamMaking, unknownTime } from "@sightline/service";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Collector, span } from "../testing/event-collector.ts";
import type { FeedCall, FeedMessage } from "../testing/feed-client.ts";
import { RunningFeeds, sampleEvent } from "../testing/running-feeds.ts";
import { sampleFrame } from "../testing/sample-frames.ts";
import { encodeCursor, streamIdentity } from "./cursor.ts";

let feeds: RunningFeeds;
let abort: AbortController;
beforeEach(async () => {
  abort = new AbortController();
  feeds = await RunningFeeds.start({ ring: { maxMessages: 10, maxBytes: 1e9 }, progressMs: 40 });
});
afterEach(async () => {
  abort.abort();
  await feeds.stop();
});

/** Either feed, with a filter that lets through only what is published as wanted. */
const kinds = {
  detections: {
    stream: streams.timeline,
    subscribe: (call: FeedCall) =>
      feeds.client.detections({ classes: ["person"], signal: abort.signal, ...call }),
    publish: (number: number, wanted: boolean) =>
      feeds.frame(sampleFrame({ number, found: [[wanted ? "person" : "dog", 0.9]] })),
  },
  events: {
    stream: streams.events,
    subscribe: (call: FeedCall) =>
      feeds.client.events({ types: [EventType.CROSSED_LINE], signal: abort.signal, ...call }),
    publish: (number: number, wanted: boolean) => {
      const type = wanted ? EventType.CROSSED_LINE : EventType.APPEARED;
      return feeds.event(sampleEvent({ id: `e${number}`, revision: number, type }));
    },
  },
} as const;
type Kind = keyof typeof kinds;

async function publish(kind: Kind, numbers: number[], wanted = false): Promise<void> {
  for (const number of numbers) await kinds[kind].publish(number, wanted);
}

/** A subscription that the server has taken. */
async function opened(
  subscribe: (call: FeedCall) => AsyncGenerator<FeedMessage, void>,
  call: FeedCall,
  each?: (message: FeedMessage) => Promise<void> | void,
): Promise<Collector> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const collector = new Collector(subscribe({ ...call, onOpen: () => resolve() }), each);
  await promise;
  return collector;
}

async function cursorAt(kind: Kind, sequence: number): Promise<string> {
  const { stream } = kinds[kind];
  const identity = streamIdentity(stream, streamMaking(await feeds.nats.manager.streams.info(stream)));
  const message =
    sequence > 0 ? await feeds.nats.manager.streams.getMessage(stream, { seq: sequence }) : undefined;
  const time = message ? nanosOf(message.timestamp) : unknownTime;
  return encodeCursor(kind, identity, { sequence, time });
}

const progressOf = ({ got }: Collector) => got.filter(({ kind }) => kind === "progress");

describe.each(["detections", "events"] as const)(
  "%s of which none is wanted for longer than they are kept",
  (kind) => {
    const { stream, subscribe } = kinds[kind];

    test("progress is where to go on: no gap, and the next that is wanted comes once", async () => {
      const asked = await opened(subscribe, { start: "newest", progress: true });
      await publish(kind, span(1, 30));
      const passed = await cursorAt(kind, 30);
      await expect.poll(() => asked.cursor).toBe(passed);
      await feeds.nats.manager.streams.purge(stream, { seq: 31 });
      const later = new Collector(subscribe({ start: { cursor: passed } }));
      await publish(kind, [31], true);
      for (const each of [asked, later]) await expect.poll(() => each.numbers).toEqual([31]);
      expect(later.got).toHaveLength(1);
      expect(asked.gaps).toEqual([]);
      // Nothing comes twice, from the stored or the new.
      const again = new Collector(subscribe({ start: { cursor: passed }, progress: true }));
      const end = await cursorAt(kind, 31);
      await publish(kind, [32]);
      await expect.poll(() => progressOf(again).length).toBeGreaterThan(0);
      expect(again.numbers).toEqual([31]);
      expect(again.got[0]!.cursor).toBe(end);
    });

    test("without it the place is the last message that was wanted, and a gap is told", async () => {
      await publish(kind, [1], true);
      const first = new Collector(subscribe({ start: "beginning" }));
      await expect.poll(() => first.numbers).toEqual([1]);
      await publish(kind, span(2, 30));
      await feeds.nats.manager.streams.purge(stream, { seq: 31 });
      await feeds.stopFeeds();
      await feeds.startFeeds();
      const later = new Collector(subscribe({ start: { cursor: first.cursor } }));
      await expect.poll(() => later.gaps).toMatchObject([{ reason: GapReason.EXPIRED, messages: 29 }]);
      await publish(kind, [31], true);
      await expect.poll(() => later.numbers).toEqual([31]);
      expect(first.got).toHaveLength(1);
    });
  },
);

test("newest, with nothing there at all: a place to come back to", async () => {
  const fresh = await opened(kinds.events.subscribe, { start: "newest", progress: true });
  await expect.poll(() => fresh.got.length).toBe(1);
  expect(fresh.got).toEqual([{ kind: "progress", cursor: await cursorAt("events", 0) }]);
  const later = new Collector(kinds.events.subscribe({ start: { cursor: fresh.cursor } }));
  await publish("events", [1], true);
  await expect.poll(() => later.numbers).toEqual([1]);
});

test("catching up through history that is not wanted is progress", async () => {
  await publish("events", [1], true);
  await publish("events", span(2, 60));
  const late = new Collector(kinds.events.subscribe({ start: "beginning", progress: true }));
  const end = await cursorAt("events", 60);
  await expect.poll(() => late.cursor).toBe(end);
  expect(late.got.map(({ kind }) => kind)[0]).toBe("event");
  expect(late.numbers).toEqual([1]);
});

test("it is told only to those who ask, and never live", async () => {
  const silent = await opened(kinds.detections.subscribe, { start: "newest" });
  const live = await opened(kinds.detections.subscribe, { progress: true });
  const asked = await opened(kinds.detections.subscribe, { start: "newest", progress: true });
  for (const number of [1, 2, 3]) {
    await publish("detections", [number]);
    const passed = await cursorAt("detections", number);
    await expect.poll(() => asked.cursor).toBe(passed);
  }
  await publish("detections", [4], true);
  for (const each of [silent, live, asked]) await expect.poll(() => each.numbers).toEqual([4]);
  expect([silent.got.length, live.got.length]).toEqual([1, 1]);
});

test("it is told once for each place, and not after a message that tells it", async () => {
  const asked = await opened(kinds.events.subscribe, { start: "newest", progress: true });
  const nothing = (call: FeedCall) => feeds.client.events({ zones: ["none"], signal: abort.signal, ...call });
  const witness = await opened(nothing, { start: "newest", progress: true });
  for (const number of span(1, 3)) {
    await publish("events", [number], true);
    const passed = await cursorAt("events", number);
    await expect.poll(() => [asked.cursor, witness.cursor]).toEqual([passed, passed]);
  }
  const cursors = progressOf(asked).map(({ cursor }) => cursor);
  expect(new Set(cursors).size).toBe(cursors.length);
  const told = asked.got.flatMap(({ kind, cursor }) => (kind === "event" ? cursor : []));
  expect(cursors.filter((cursor) => told.includes(cursor))).toEqual([]);
});

test("a connection that is full is told nothing beyond what it was sent", async () => {
  const held = Promise.withResolvers<void>();
  const many = Array.from({ length: 600 }, (): [string, number] => ["person", 0.9]);
  const asked = { start: "newest", progress: true } as const;
  const slow = await opened(kinds.detections.subscribe, asked, ({ kind }) =>
    kind === "frame" ? held.promise : undefined,
  );
  const nothing = (call: FeedCall) =>
    feeds.client.detections({ classes: ["cat"], signal: abort.signal, ...call });
  const witness = await opened(nothing, asked);
  for (const number of span(1, 150)) await feeds.frame(sampleFrame({ number, found: many }));
  const end = await cursorAt("detections", 150);
  await expect.poll(() => witness.cursor).toBe(end);
  expect(slow.numbers).toEqual([1]);
  held.resolve();
  await expect.poll(() => slow.numbers).toEqual(span(1, 150));
  // Every frame is wanted, so there is no other place than that of the one before.
  for (const [index, { kind, cursor }] of slow.got.entries())
    if (kind === "progress")
      expect(cursor).toBe(slow.got[index - 1]?.cursor ?? (await cursorAt("detections", 0)));
});

test("a stream that is made anew: the gap comes first, and progress is then of the new one", async () => {
  const asked = await opened(kinds.events.subscribe, { start: "newest", progress: true });
  await publish("events", span(1, 5));
  const before = await cursorAt("events", 5);
  await expect.poll(() => asked.cursor).toBe(before);
  await feeds.nats.manager.streams.delete(streams.events);
  await feeds.makeStreams();
  await publish("events", span(101, 103));
  const after = await cursorAt("events", 3);
  await expect.poll(() => asked.cursor).toBe(after);
  expect(asked.gaps).toMatchObject([{ reason: GapReason.STREAM_RESET }]);
  const gap = asked.got.findIndex(({ kind }) => kind === "gap");
  expect(asked.got[gap]!.cursor).toBe(await cursorAt("events", 0));
  await publish("events", [104], true);
  await expect.poll(() => asked.numbers).toEqual([104]);
});
