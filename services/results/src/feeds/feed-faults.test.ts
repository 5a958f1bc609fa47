import { setImmediate as nextTurn } from "node:timers/promises";
import { GapReason, streams, subjects } from "@sightline/contracts";
import { streamMaking, unknownTime } from "@sightline/service";
import { afterEach, expect, test } from "vitest";
import { Collector, span } from "../testing/event-collector.ts";
import { RunningFeeds, sampleEvent } from "../testing/running-feeds.ts";
import { sampleFrame } from "../testing/sample-frames.ts";
import { encodeCursor, streamIdentity } from "./cursor.ts";

let feeds: RunningFeeds;
let abort: AbortController;
afterEach(async () => {
  abort.abort();
  await feeds.stop();
});

async function start(maxMessages = 1_000) {
  abort = new AbortController();
  feeds = await RunningFeeds.start({ ring: { maxMessages, maxBytes: 1e9 } });
}

const publish = async (first: number, last: number, more: { found?: [string, number][] } = {}) => {
  for (const number of span(first, last)) await retried(() => feeds.frame(sampleFrame({ number, ...more })));
};

/** Publishes until NATS has taken it; what it took without answering is refused as known. */
async function retried<R>(task: () => Promise<R>): Promise<R> {
  for (;;) {
    try {
      return await task();
    } catch {
      await nextTurn();
    }
  }
}

const detections = (options: Parameters<typeof feeds.client.detections>[0] = {}) =>
  feeds.client.detections({ signal: abort.signal, ...options });

async function opened(
  options: Parameters<typeof detections>[0],
  each?: ConstructorParameters<typeof Collector>[1],
) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const collector = new Collector(detections({ ...options, onOpen: () => resolve() }), each);
  await promise;
  return collector;
}

test("NATS killed and back: streams go on, nothing is lost and nothing comes twice", async () => {
  await start();
  // A change of retention: it stays the same stream.
  await feeds.makeStreams(7_200);
  const live = await opened({});
  const lossless = await opened({ start: "newest" });
  const events = new Collector(feeds.client.events({ start: "beginning", signal: abort.signal }));
  await publish(1, 20);
  await feeds.event(sampleEvent({ id: "e1", revision: 1 }));
  await expect.poll(() => [live, lossless, events].map((each) => each.got.length)).toEqual([20, 20, 1]);
  await feeds.server.down("SIGKILL");
  // Taken while NATS is away: it waits for NATS, and then goes on like the others.
  const meanwhile = await opened({ start: { cursor: cursorAfter(lossless, 5) } });
  await feeds.server.up();
  await publish(21, 40);
  await retried(() => feeds.event(sampleEvent({ id: "e1", revision: 2 })));
  await expect.poll(() => live.numbers).toEqual(span(1, 40));
  await expect.poll(() => lossless.numbers).toEqual(span(1, 40));
  await expect.poll(() => meanwhile.numbers).toEqual(span(6, 40));
  await expect.poll(() => events.numbers).toEqual([1, 2]);
  expect([...lossless.gaps, ...meanwhile.gaps, ...events.gaps]).toEqual([]);
});

test("a slow reader among fast ones: they get all at once, it gets all in the end", async () => {
  await start(50);
  const frames = 300;
  let free: (() => void) | undefined;
  const held = new Promise<void>((resolve) => {
    free = resolve;
  });
  const slow = await opened({ start: "newest" }, () => held);
  const fast = await Promise.all([1, 2, 3].map(() => opened({ start: "newest" })));
  // Some 40 kB each, so that the slow connection's windows fill after a few.
  await publish(1, frames, { found: Array.from({ length: 600 }, () => ["person", 0.9]) });
  for (const each of fast) await expect.poll(() => each.numbers.length).toBe(frames);
  await expect.poll(() => slow.got.length).toBe(1);
  free!();
  await expect.poll(() => slow.numbers.length).toBe(frames);
  for (const each of [slow, ...fast]) {
    expect(each.numbers).toEqual(span(1, frames));
    expect(each.gaps).toEqual([]);
  }
});

test("history that has expired is told as a gap, in its place, with the count of what is gone", async () => {
  await start(10);
  await publish(1, 100);
  const whole = new Collector(detections({ start: "beginning" }));
  await expect.poll(() => whole.numbers.length).toBe(100);
  await feeds.nats.manager.streams.purge(streams.timeline, { seq: 61 });
  const late = new Collector(detections({ start: { cursor: cursorAfter(whole, 40) } }));
  const time = new Collector(detections({ start: { time: new Date(0) } }));
  const beginning = new Collector(detections({ start: "beginning" }));
  await expect
    .poll(() => [late, time, beginning].map((each) => each.numbers))
    .toEqual([span(61, 100), span(61, 100), span(61, 100)]);
  expect(late.got[0]).toMatchObject({
    kind: "gap",
    gap: {
      reason: GapReason.EXPIRED,
      messages: 20,
      firstAvailableTime: { seconds: expect.any(Number), nanos: expect.any(Number) },
    },
  });
  expect(late.gaps).toHaveLength(1);
  expect(time.gaps).toMatchObject([{ reason: GapReason.EXPIRED, messages: 0 }]);
  expect(beginning.gaps).toEqual([]);
  // The gap's own cursor is as good as any.
  const gap = late.got[0]!;
  const after = new Collector(detections({ start: { cursor: gap.cursor } }));
  await expect.poll(() => after.numbers).toEqual(span(61, 100));
  expect(after.gaps).toEqual([]);
});

test("what expires before a slow reader comes to it is told as a gap", async () => {
  await start(10);
  let free: (() => void) | undefined;
  const held = new Promise<void>((resolve) => {
    free = resolve;
  });
  const slow = await opened({ start: "newest" }, () => held);
  const found: [string, number][] = Array.from({ length: 600 }, () => ["person", 0.9]);
  const fast = await opened({ start: "newest" });
  await publish(1, 200, { found });
  await expect.poll(() => fast.numbers.length).toBe(200);
  await feeds.nats.manager.streams.purge(streams.timeline, { seq: 181 });
  free!();
  await expect.poll(() => slow.numbers.at(-1)).toBe(200);
  const [gap] = slow.gaps;
  expect(slow.gaps).toHaveLength(1);
  expect(gap!.reason).toBe(GapReason.EXPIRED);
  expect(slow.numbers.length + gap!.messages).toBe(200);
  const before = slow.got.findIndex(({ kind }) => kind === "gap");
  expect(slow.numbers).toEqual([...span(1, before), ...span(before + gap!.messages + 1, 200)]);
});

test("a stream that is deleted and made anew: subscribers are told and go on, and whoever comes back with an old cursor", async () => {
  await start();
  await publish(1, 10);
  const lossless = new Collector(detections({ start: "beginning" }));
  const live = await opened({});
  await expect.poll(() => lossless.numbers.length).toBe(10);
  const old = cursorAfter(lossless, 5);
  await feeds.nats.manager.streams.delete(streams.timeline);
  await feeds.makeStreams();
  await publish(101, 103);
  await expect.poll(() => lossless.numbers).toEqual([...span(1, 10), ...span(101, 103)]);
  await expect.poll(() => live.numbers).toEqual(span(101, 103));
  expect(lossless.got[10]).toMatchObject({
    kind: "gap",
    gap: { reason: GapReason.STREAM_RESET, messages: 0 },
  });
  expect(lossless.gaps).toHaveLength(1);
  const back = new Collector(detections({ start: { cursor: old } }));
  await expect.poll(() => back.numbers).toEqual(span(101, 103));
  expect(back.got[0]).toMatchObject({
    kind: "gap",
    gap: { reason: GapReason.STREAM_RESET, firstAvailableTime: { seconds: expect.any(Number) } },
  });
  expect(back.gaps).toHaveLength(1);
  // Its stream is made anew twice while nobody is there who has seen it; the first cursor is known still.
  await feeds.stopFeeds();
  await feeds.nats.manager.streams.delete(streams.timeline);
  await feeds.makeStreams();
  await publish(104, 105);
  await feeds.startFeeds();
  const later = new Collector(detections({ start: { cursor: old } }));
  await expect.poll(() => later.numbers).toEqual(span(104, 105));
  expect(later.gaps).toMatchObject([{ reason: GapReason.STREAM_RESET }]);
  // The cursor of the gap is as good as any.
  const again = new Collector(detections({ start: { cursor: later.got[0]!.cursor } }));
  await expect.poll(() => again.numbers).toEqual(span(104, 105));
  expect(again.gaps).toEqual([]);
});

test("NATS that lost its newest messages: subscribers are told and go on with what comes", async () => {
  await start();
  const lossless = await opened({ start: "newest" });
  const live = await opened({});
  await publish(1, 10);
  await expect.poll(() => lossless.numbers.length).toBe(10);
  const goBack = await feeds.server.keepCopy();
  await publish(11, 20);
  await expect.poll(() => lossless.numbers.length).toBe(20);
  await goBack();
  // So many that the stream is soon longer than it was.
  await publish(21, 60);
  await expect.poll(() => lossless.numbers).toEqual(span(1, 60));
  await expect.poll(() => live.numbers).toEqual(span(1, 60));
  expect(lossless.got[20]).toMatchObject({ kind: "gap", gap: { reason: GapReason.STREAM_RESET } });
  expect(lossless.gaps).toHaveLength(1);
  expect(live.gaps).toEqual([]);
});

test("NATS that lost its newest messages while nobody read: whoever comes back with a cursor is told and misses nothing", async () => {
  await start();
  await publish(1, 10);
  const before = new Collector(detections({ start: "beginning", progress: true }));
  await expect.poll(() => before.numbers.length).toBe(10);
  const goBack = await feeds.server.keepCopy();
  await publish(11, 20);
  await expect.poll(() => before.numbers.length).toBe(20);
  const cursors = [5, 10, 11, 15, 20].map((number) => [number, cursorAfter(before, number)] as const);
  await feeds.stopFeeds();
  await goBack();
  // They bear the sequences of those that are lost, and more.
  await publish(21, 45);
  await feeds.startFeeds();
  for (const [number, cursor] of cursors) {
    const again = new Collector(detections({ start: { cursor } }));
    const lost = number > 10;
    const rest = lost ? span(21, 45) : [...span(number + 1, 10), ...span(21, 45)];
    await expect.poll(() => again.numbers).toEqual(rest);
    expect(again.gaps).toMatchObject(lost ? [{ reason: GapReason.STREAM_RESET }] : []);
    // The cursor of the gap, and of all that follow, is as good as any.
    const after = new Collector(detections({ start: { cursor: again.got[0]!.cursor } }));
    await expect.poll(() => after.numbers).toEqual(lost ? rest : rest.slice(1));
    expect(after.gaps).toEqual([]);
  }
});

test("NATS that lost what a slow reader was about to get: it is told, and gets all that came instead", async () => {
  await start(40);
  const found: [string, number][] = Array.from({ length: 600 }, () => ["person", 0.9]);
  await publish(1, 5, { found });
  const goBack = await feeds.server.keepCopy();
  await publish(6, 100, { found });
  const held = Promise.withResolvers<void>();
  const slow = new Collector(detections({ start: "beginning", progress: true }), () => held.promise);
  // The connection is full long before what is read, of what is stored, meets what is in memory.
  await expect.poll(() => slow.numbers).toEqual([1]);
  const fast = await opened({ start: "newest" });
  await goBack();
  await publish(101, 140, { found });
  await expect.poll(() => fast.numbers).toEqual(span(101, 140));
  held.resolve();
  await expect.poll(() => slow.numbers.at(-1)).toBe(140);
  expect(slow.gaps).toMatchObject([{ reason: GapReason.STREAM_RESET }]);
  const before = slow.numbers.indexOf(101);
  expect(slow.numbers).toEqual([...span(1, before), ...span(101, 140)]);
});

test("a cursor from beyond the end of the stream: all that is there, after a gap that says so", async () => {
  await start();
  await publish(1, 3);
  const collector = await opened({ start: "beginning" });
  await expect.poll(() => collector.numbers.length).toBe(3);
  const info = await feeds.nats.manager.streams.info(streams.timeline);
  const cursor = encodeCursor("detections", streamIdentity(streams.timeline, streamMaking(info)), {
    sequence: 99,
    time: unknownTime,
  });
  const late = new Collector(detections({ start: { cursor } }));
  await expect.poll(() => late.numbers).toEqual([1, 2, 3]);
  expect(late.got[0]).toMatchObject({ kind: "gap", gap: { reason: GapReason.STREAM_RESET } });
});

test("a cursor of another system is refused", async () => {
  await start();
  await publish(1, 1);
  const here = new Collector(detections({ start: "beginning" }));
  await expect.poll(() => here.got.length).toBe(1);
  const other = await RunningFeeds.start();
  try {
    await expect(other.client.detections({ start: { cursor: here.cursor } }).next()).rejects.toMatchObject({
      reason: "cursor_foreign",
      message: expect.stringContaining("another system"),
    });
  } finally {
    await other.stop();
  }
});

test("a message that cannot be read, or is not for subscribers, is passed over everywhere", async () => {
  await start(5);
  await publish(1, 3);
  await feeds.nats.jetstream.publish(subjects.timeline("front"), new Uint8Array([255, 255]));
  await feeds.nats.jetstream.publish(subjects.timeline("front"), new Uint8Array());
  await feeds.timeline("front", { $case: "tick", value: { time: undefined } });
  await publish(4, 5);
  const live = await opened({ start: "newest" });
  const stored = new Collector(detections({ start: "beginning" }));
  await publish(6, 20);
  await expect.poll(() => live.numbers).toEqual(span(6, 20));
  await expect.poll(() => stored.numbers).toEqual(span(1, 20));
});

/** The cursor of the frame with this number. */
function cursorAfter(collector: Collector, number: number): string {
  for (const event of collector.got)
    if (event.kind === "frame" && event.frame.frame!.number === number) return event.cursor;
  throw new Error(`frame ${number} has not come`);
}
