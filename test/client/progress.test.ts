import { connect, type EventMessage, type ProgressMessage, type SightlineClient } from "@sightline/client";
import { streams } from "@sightline/contracts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { span } from "../../services/results/src/testing/event-collector.ts";
import { RunningFeeds, sampleEvent } from "../../services/results/src/testing/running-feeds.ts";
import { sampleFrame } from "../../services/results/src/testing/sample-frames.ts";

let feeds: RunningFeeds;
let client: SightlineClient;
beforeEach(async () => {
  feeds = await RunningFeeds.start({ progressMs: 40 });
  client = connect(feeds.address);
});
afterEach(async () => {
  client.close();
  await feeds.stop();
});

/** Runs a loop over a subscription, and keeps what it was given. */
function follow<T>(messages: AsyncGenerator<T, void>): T[] {
  const got: T[] = [];
  void (async () => {
    for await (const message of messages) got.push(message);
  })();
  return got;
}

const kinds = (got: { kind: string }[]) => [...new Set(got.map(({ kind }) => kind))];
const event = (number: number, camera = "front") =>
  feeds.event(sampleEvent({ camera, id: "e1", revision: number }));
const frame = (number: number, camera = "front") => feeds.frame(sampleFrame({ camera, number }));
/** Events of one camera only. */
const back = { filter: { cameras: ["back"] } };

/** Publishes what nobody wants until `told`, and all who subscribed before, have been told of progress well after `first`. */
async function pass(told: (EventMessage | ProgressMessage)[], first: number): Promise<void> {
  for (const number of span(first, first + 4)) {
    const before = told.length;
    await Promise.all([event(number), frame(number)]);
    await expect.poll(() => told.length).toBeGreaterThan(before);
  }
}

test("nothing wanted came for longer than it is kept: loops go on without a gap, whether they ask for progress or not", async () => {
  const opened = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const [first, second, third, fourth] = opened.map(({ resolve }) => ({ onOpen: () => resolve() }));
  const newest = { cameras: ["back"], start: "newest" } as const;
  const events = follow(client.events.subscribe({ ...back, ...first }));
  const frames = follow(client.detections.subscribe({ ...newest, ...second }));
  const toldFrames = follow(client.detections.subscribe({ ...newest, ...third, progress: true }));
  await Promise.all(opened.slice(0, 3).map(({ promise }) => promise));
  const toldEvents = follow(client.events.subscribe({ ...back, ...fourth, progress: true }));
  await opened[3]!.promise;
  await pass(toldEvents, 1);
  await expect.poll(() => toldFrames.length).toBeGreaterThan(3);
  for (const stream of [streams.events, streams.timeline])
    await feeds.nats.manager.streams.purge(stream, { seq: 2 });
  await feeds.stopFeeds();
  await feeds.startFeeds();
  await Promise.all([event(10, "back"), frame(10, "back")]);
  await expect.poll(() => [events, frames].map((got) => got.length)).toEqual([1, 1]);
  await expect.poll(() => kinds(toldEvents)).toContain("event");
  await expect.poll(() => kinds(toldFrames)).toContain("frame");
  expect(kinds(events)).toEqual(["event"]);
  expect(kinds(frames)).toEqual(["frame"]);
  expect(kinds(toldEvents)).toEqual(["progress", "event"]);
  expect(kinds(toldFrames)).toEqual(["progress", "frame"]);
});

test("a program that stores the cursors of progress goes on from there; live there is none", async () => {
  const live = follow(client.detections.subscribe({ cameras: ["back"], progress: true }));
  const told = follow(client.events.subscribe({ ...back, progress: true }));
  await expect.poll(() => told.length).toBeGreaterThan(0);
  await pass(told, 1);
  await feeds.nats.manager.streams.purge(streams.events, { seq: 5 });
  await feeds.stopFeeds();
  await feeds.startFeeds();
  const cursors = [told[0]!, told.at(-1)!].map(({ cursor }) => cursor);
  const [early, late] = cursors.map((cursor) =>
    follow(client.events.subscribe({ ...back, start: { cursor } })),
  );
  await event(10, "back");
  for (const got of [early!, late!]) await expect.poll(() => got.at(-1)?.kind).toBe("event");
  expect(early).toMatchObject([{ kind: "gap", gap: { reason: "expired" } }, { kind: "event" }]);
  expect(kinds(late!)).toEqual(["event"]);
  expect(kinds(live)).not.toContain("progress");
});
