import { EventPhase, GapReason, toTimestamp } from "@sightline/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Collector, span } from "../testing/event-collector.ts";
import type { ClientStart } from "../testing/feed-client.ts";
import { RunningFeeds, sampleEvent } from "../testing/running-feeds.ts";
import { sampleFrame } from "../testing/sample-frames.ts";

let feeds: RunningFeeds;
// So little memory that nearly all comes from JetStream.
beforeAll(async () => {
  feeds = await RunningFeeds.start({ ring: { maxMessages: 20, maxBytes: 1e6 } });
});
afterAll(() => feeds.stop());

const abort = new AbortController();
afterAll(() => abort.abort());

async function publish(camera: string, first: number, last: number) {
  for (const number of span(first, last)) await feeds.frame(sampleFrame({ camera, number }));
}

async function subscribe(camera: string, start?: ClientStart) {
  const opened = Promise.withResolvers<void>();
  const events = feeds.client.detections({
    cameras: [camera],
    start,
    signal: abort.signal,
    onOpen: () => opened.resolve(),
  });
  const collector = new Collector(events);
  await Promise.race([opened.promise, collector.ended]);
  return collector;
}

describe("detections from", () => {
  test("newest: only what comes after", async () => {
    await publish("newest", 1, 3);
    const got = await subscribe("newest", "newest");
    await publish("newest", 4, 6);
    await expect.poll(() => got.numbers).toEqual([4, 5, 6]);
  });

  test("beginning: all that is kept, then what comes", async () => {
    await publish("beginning", 1, 300);
    const got = await subscribe("beginning", "beginning");
    await publish("beginning", 301, 350);
    await expect.poll(() => got.numbers.length).toBe(350);
    expect(got.numbers).toEqual(span(1, 350));
    expect(got.gaps).toEqual([]);
  });

  test("a cursor: what came after its message, wherever it is by now", async () => {
    await publish("cursor", 1, 60);
    const whole = await subscribe("cursor", "beginning");
    await expect.poll(() => whole.numbers.length).toBe(60);
    for (const at of [0, 17, 45, 55, 59]) {
      const event = whole.got[at]!;
      const got = await subscribe("cursor", { cursor: event.cursor });
      await expect.poll(() => got.numbers).toEqual(span(at + 2, 60));
    }
  });

  test("a time: what was stored then or later, whatever time the frames bear", async () => {
    const camera = "time";
    await publish(camera, 1, 5);
    await feeds.frame(withCaptureTime(6, Date.now() + 3_600_000));
    const stored = Date.parse((await lastOf(camera)).time.toISOString());
    await expect.poll(() => Date.now()).toBeGreaterThan(stored + 5);
    const time = new Date();
    await feeds.frame(withCaptureTime(7, Date.now() - 3_600_000));
    await publish(camera, 8, 9);
    const got = await subscribe(camera, { time });
    await publish(camera, 10, 10);
    await expect.poll(() => got.numbers).toEqual(span(7, 10));
    const future = await subscribe(camera, { time: new Date(Date.now() + 3_600_000) });
    await publish(camera, 11, 11);
    await expect.poll(() => future.numbers).toEqual([11]);

    function withCaptureTime(number: number, milliseconds: number) {
      const frame = sampleFrame({ camera, number });
      frame.frame!.captureTime = toTimestamp(milliseconds);
      return frame;
    }
  });

  async function lastOf(camera: string) {
    const message = await feeds.nats.manager.streams.getMessage("TIMELINE", {
      last_by_subj: `timeline.${camera}`,
    });
    return message!;
  }
});

test("frames that were not analysed are told in their place, of the cameras asked for, to those who miss nothing", async () => {
  const camera = "lossy";
  const lose = (of: string, frames: number) =>
    feeds.timeline(of, { $case: "lost", value: { time: toTimestamp(Date.now()), frames } });
  const opened = Promise.withResolvers<void>();
  const live = new Collector(
    feeds.client.detections({ cameras: [camera], signal: abort.signal, onOpen: () => opened.resolve() }),
  );
  await opened.promise;
  await publish(camera, 1, 40);
  await lose(camera, 7);
  await publish(camera, 48, 49);
  await lose("another", 3);
  const got = await subscribe(camera, "beginning");
  await expect.poll(() => got.numbers).toEqual([...span(1, 40), 48, 49]);
  await lose(camera, 0);
  await publish(camera, 60, 60);
  await expect.poll(() => got.numbers.at(-1)).toBe(60);
  const told = (messages: number) => ({
    reason: GapReason.NOT_ANALYSED,
    messages,
    firstAvailableTime: undefined,
    camera: `cameras/${camera}`,
  });
  expect(got.gaps).toEqual([told(7), told(0)]);
  expect(got.got.map(({ kind }) => kind).indexOf("gap")).toBe(40);
  // Whoever goes on after the gap is not told of it again.
  const after = await subscribe(camera, { cursor: got.got[40]!.cursor });
  await expect.poll(() => after.numbers).toEqual([48, 49, 60]);
  expect(after.gaps).toEqual([told(0)]);
  await expect.poll(() => live.numbers.at(-1)).toBe(60);
  expect(live.gaps).toEqual([]);
});

describe("a start that cannot be", () => {
  const start = (start: ClientStart) => feeds.client.detections({ start }).next();
  test.each([
    ["a cursor that is damaged", { cursor: "rubbish" }, "cursor_corrupt"],
    ["a cursor that is empty", { cursor: "" }, "cursor_corrupt"],
    ["a time before 1970", { time: new Date(-1) }, "invalid_argument"],
  ])("%s", async (_, position, reason) => {
    await expect(start(position)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", reason });
  });

  test("a cursor of events", async () => {
    await feeds.event(sampleEvent({ id: "e1" }));
    const events = new Collector(feeds.client.events({ start: "beginning", signal: abort.signal }));
    await expect.poll(() => events.got.length).toBe(1);
    await expect(start({ cursor: events.cursor })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      reason: "cursor_foreign",
      message: expect.stringContaining("events"),
    });
  });
});

test("events: every message that the filter lets through, in order, from now on unless told otherwise", async () => {
  const camera = "doors";
  const say = (id: string, phase: EventPhase, revision: number, zone = "door") =>
    feeds.event(sampleEvent({ camera, id, phase, revision, zone }));
  await say("a", EventPhase.START, 1);
  const opened = Promise.withResolvers<void>();
  const filter = { cameras: [camera], zones: ["door"], signal: abort.signal };
  const live = new Collector(feeds.client.events({ ...filter, onOpen: () => opened.resolve() }));
  await opened.promise;
  await say("a", EventPhase.UPDATE, 2);
  await say("b", EventPhase.START, 1, "window");
  await say("a", EventPhase.END, 3);
  const ends = new Collector(
    feeds.client.events({ ...filter, start: "beginning", phases: [EventPhase.END] }),
  );
  await expect.poll(() => live.numbers).toEqual([2, 3]);
  await expect.poll(() => ends.numbers).toEqual([3]);
  const again = new Collector(feeds.client.events({ ...filter, start: { cursor: live.cursor } }));
  await say("a2", EventPhase.ONCE, 7);
  await expect.poll(() => again.numbers).toEqual([7]);
});
