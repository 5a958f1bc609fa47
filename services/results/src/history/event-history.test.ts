import {
  type CrossingDirection,
  Event,
  EventPhase,
  EventType,
  fromTimestamp,
  streams,
  toTimestamp,
} from "@sightline/contracts";
import { CountBy, CountEventsRequest } from "@sightline/contracts/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allCameras } from "../access/camera-scope.ts";
import { span } from "../testing/event-collector.ts";
import { RunningFeeds, type SampleEvent, sampleEvent } from "../testing/running-feeds.ts";
import { EventCounts } from "./event-counts.ts";

const hourMs = 3_600_000;

let feeds: RunningFeeds;
beforeAll(async () => {
  feeds = await RunningFeeds.start();
});
afterAll(() => feeds.stop());

type Request = Parameters<typeof feeds.client.listEvents>[0];

const say = (camera: string, event: SampleEvent) => feeds.event(sampleEvent({ camera, ...event }));

async function listAll(request: Request): Promise<Event[]> {
  const events: Event[] = [];
  let pageToken = "";
  do {
    const page = await feeds.client.listEvents({ ...request, pageToken });
    events.push(...page.events);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return events;
}
const ids = (events: Event[]) => events.map(({ name }) => name.split("/").at(-1));

test("each event once, newest first, as it stands now, over many messages and pages", async () => {
  const camera = "busy";
  // Far more messages than are looked through at a time: 60 events, each with 30 updates.
  for (const number of span(1, 60)) {
    await say(camera, { id: `e${number}` });
    await Promise.all(
      span(2, 31).map((revision) => say(camera, { id: `e${number}`, phase: EventPhase.UPDATE, revision })),
    );
    if (number % 2 === 0) await say(camera, { id: `e${number}`, phase: EventPhase.END, revision: 32 });
  }
  await say(camera, { id: "once", type: EventType.CROSSED_LINE, phase: EventPhase.ONCE });
  const expected = [
    "once",
    ...span(1, 60)
      .reverse()
      .map((number) => `e${number}`),
  ];
  for (const request of [{ pageSize: 7 }, { filter: { cameras: [`cameras/${camera}`] }, pageSize: 9 }, {}]) {
    const events = await listAll(request);
    expect(ids(events)).toEqual(expected);
    expect(events.slice(1, 3).map(({ phase, revision }) => [phase, revision])).toEqual([
      [EventPhase.END, 32],
      [EventPhase.UPDATE, 31],
    ]);
  }
  const open = await listAll({ filter: { phases: [EventPhase.UPDATE] } });
  expect(ids(open)).toEqual(
    span(1, 30)
      .reverse()
      .map((number) => `e${2 * number - 1}`),
  );
});

describe("events whose first message is not kept any more", () => {
  const camera = "cut";
  const cameras = [`cameras/${camera}`];
  const begin = Date.now() - 3_600_000;
  /** The messages of event n begin at the minute n. */
  const tell = (number: number, phase: EventPhase, revision: number) =>
    say(camera, { id: `c${number}`, phase, revision, startTime: begin + number * 60_000 });
  let cut: RunningFeeds;
  beforeAll(async () => {
    cut = feeds;
    feeds = await RunningFeeds.start();
    for (const number of span(1, 12)) await tell(number, EventPhase.START, 1);
    for (const number of span(1, 8)) await tell(number, EventPhase.UPDATE, 2);
    const last = await tell(13, EventPhase.START, 1);
    // Events 1 to 4 are over and gone; of 5 to 8 two messages are kept, of 9 and 10 only the end, of the rest the start.
    for (const number of span(5, 10)) await tell(number, EventPhase.END, 3);
    for (const number of [11, 12]) await tell(number, EventPhase.UPDATE, 2);
    await say("other", { id: "d1", startTime: begin + 30 * 60_000 });
    await feeds.nats.manager.streams.purge(streams.events, { seq: last });
  });
  afterAll(async () => {
    await feeds.stop();
    feeds = cut;
  });

  test("are listed once, by their start, in pages of any size", async () => {
    const expected = span(5, 13)
      .reverse()
      .map((number) => `c${number}`);
    for (const pageSize of [1, 2, 3, 4, 9, 0]) {
      const events = await listAll({ filter: { cameras }, pageSize });
      expect(ids(events)).toEqual(expected);
      expect(events.map(({ phase }) => phase).slice(3)).toEqual(Array(6).fill(EventPhase.END));
    }
    expect(ids(await listAll({ pageSize: 2 }))).toEqual(["d1", ...expected]);
  });

  test("are found by filter and time", async () => {
    const at = (minute: number) => toTimestamp(begin + minute * 60_000);
    const open = { cameras, phases: [EventPhase.START, EventPhase.UPDATE] };
    expect(ids(await listAll({ filter: open, pageSize: 1 }))).toEqual(["c13", "c12", "c11"]);
    const some = await listAll({ filter: { cameras }, startTime: at(6), endTime: at(11), pageSize: 2 });
    expect(ids(some)).toEqual(["c10", "c9", "c8", "c7", "c6"]);
    const now = { startTime: toTimestamp(Date.now()) };
    expect(await listAll({ filter: { cameras }, ...now })).toEqual([]);
  });

  test("are listed after what has begun since, though more of the stream goes while pages are read", async () => {
    // So much later than the oldest message that its start is surely kept.
    const later = (id: string, minutes: number) =>
      say(camera, { id, startTime: Date.now() + minutes * 60_000 });
    await later("new1", 5);
    await later("new2", 6);
    const first = await feeds.client.listEvents({ filter: { cameras }, pageSize: 3 });
    expect(ids(first.events)).toEqual(["new2", "new1", "c13"]);
    const { state } = await feeds.nats.manager.streams.info(streams.events);
    await feeds.nats.manager.streams.purge(streams.events, { seq: state.first_seq + 2 });
    const rest: Event[] = [];
    for (let pageToken = first.nextPageToken; pageToken !== ""; ) {
      const page = await feeds.client.listEvents({ filter: { cameras }, pageSize: 3, pageToken });
      rest.push(...page.events);
      pageToken = page.nextPageToken;
    }
    expect(ids(rest)).toEqual(["c12", "c11", "c10", "c9", "c8", "c7", "c6"]);
  });
});

describe("filters", () => {
  const camera = "filtered";
  const begin = Date.now();
  beforeAll(async () => {
    await say(camera, { id: "a", startTime: begin, zone: "door", className: "person", rule: "r1" });
    await say(camera, { id: "b", startTime: begin + 1_000, zone: "yard", className: "dog", rule: "r2" });
    await say(camera, {
      id: "c",
      startTime: begin + 2_000,
      type: EventType.DWELLED,
      zone: "door",
      rule: "r3",
    });
  });
  const at = (second: number) => toTimestamp(begin + second * 1_000);
  const cameras = [`cameras/${camera}`];
  test.each<[string, Request, string[]]>([
    ["camera", { filter: { cameras } }, ["c", "b", "a"]],
    ["class", { filter: { cameras, classes: ["dog"] } }, ["b"]],
    ["zone", { filter: { cameras, zones: ["door"] } }, ["c", "a"]],
    ["type", { filter: { cameras, types: [EventType.DWELLED] } }, ["c"]],
    ["rule", { filter: { cameras, rules: ["r1", "r2"] } }, ["b", "a"]],
    ["phase", { filter: { cameras, phases: [EventPhase.END] } }, []],
    ["from", { filter: { cameras }, startTime: at(1) }, ["c", "b"]],
    ["to", { filter: { cameras }, endTime: at(1) }, ["a"]],
    ["from and to", { filter: { cameras }, startTime: at(1), endTime: at(2) }, ["b"]],
  ])("%s", async (_, request, expected) => {
    expect(ids(await listAll(request))).toEqual(expected);
  });

  test.each<[Request, string]>([
    [{ filter: { types: [0] } }, "types"],
    [{ filter: { phases: [77 as EventPhase] } }, "phases"],
    [{ filter: { zones: [""] } }, "zones"],
    [{ startTime: at(2), endTime: at(1) }, "the end of the time range is before its start"],
    [{ startTime: { seconds: -5, nanos: 0 } }, "start_time"],
    [{ pageSize: -1 }, "page_size"],
  ])("refuses %j", async (request, why) => {
    await expect(feeds.client.listEvents(request)).rejects.toMatchObject({
      reason: "invalid_argument",
      message: expect.stringContaining(why),
    });
  });
});

describe("one event", () => {
  test("as it stands now", async () => {
    await say("one", { id: "x-e1" });
    await say("one", { id: "x-e1", phase: EventPhase.END, revision: 2 });
    expect(await feeds.client.getEvent("cameras/one/events/x-e1")).toMatchObject({
      phase: EventPhase.END,
      revision: 2,
    });
  });

  test("that is not there, or not any more", async () => {
    const notFound = { code: "NOT_FOUND", reason: "event_not_found" };
    await expect(feeds.client.getEvent("cameras/one/events/none")).rejects.toMatchObject(notFound);
    const sequence = await say("one", { id: "old" });
    await feeds.nats.manager.streams.purge(streams.events, { seq: sequence + 1 });
    await expect(feeds.client.getEvent("cameras/one/events/old")).rejects.toMatchObject(notFound);
  });

  test.each(["", "cameras/one", "cameras/one/events/", "cameras/one/events/a.b", "cameras/*/events/>"])(
    "whose name is none: '%s'",
    async (name) => {
      await expect(feeds.client.getEvent(name)).rejects.toMatchObject({ reason: "invalid_argument" });
    },
  );
});

test("counts are those of a count by hand, over many events, hours and pages", async () => {
  const begin = Math.floor(Date.now() / hourMs) * hourMs - 5 * hourMs;
  let seed = 7;
  const any = (most: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % most;
  };
  const tell = async (number: number) => {
    const camera = `count-${any(3)}`;
    const isCrossing = any(2) === 0;
    const className = ["person", "car"][any(2)]!;
    const startTime = begin + any(5 * hourMs);
    const milliseconds = isCrossing ? 0 : any(90_000);
    const type = isCrossing ? EventType.CROSSED_LINE : EventType.ENTERED_ZONE;
    const end = {
      endTime: toTimestamp(startTime + milliseconds),
      direction: (isCrossing ? 1 + any(2) : 0) as CrossingDirection,
    };
    const sample = sampleEvent({ camera, id: `n${number}`, type, className, startTime });
    const event = Event.fromPartial({ ...sample, ...end });
    await feeds.event({ ...event, phase: isCrossing ? EventPhase.ONCE : EventPhase.START });
    if (!isCrossing) await feeds.event({ ...event, phase: EventPhase.END, revision: 2 });
    return { event, startTime, milliseconds, camera, className };
  };
  const told: Awaited<ReturnType<typeof tell>>[] = [];
  for (let first = 1; first <= 1_500; first += 50)
    told.push(...(await Promise.all(span(first, first + 49).map(tell))));
  const cameras = span(0, 2).map((number) => `cameras/count-${number}`);
  const ask = {
    filter: { cameras },
    startTime: toTimestamp(begin),
    endTime: toTimestamp(begin + 5 * hourMs),
  };
  const by = [CountBy.HOUR, CountBy.CAMERA, CountBy.CLASS, CountBy.TYPE, CountBy.DIRECTION];
  const { counts } = await feeds.client.countEvents({ ...ask, by });
  const expected = new Map<string, [number, number]>();
  for (const { event, startTime, milliseconds, camera, className } of told) {
    const hour = Math.floor(startTime / hourMs) * hourMs;
    const key = [hour, `cameras/${camera}`, className, event.type, event.direction].join();
    const [events, ms] = expected.get(key) ?? [0, 0];
    expected.set(key, [events + 1, ms + milliseconds]);
  }
  const found = counts.map(
    (count) =>
      [
        [fromTimestamp(count.hour!), count.camera, count.className, count.type, count.direction].join(),
        [count.events, Math.round(count.seconds * 1_000)],
      ] as const,
  );
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  const all = await feeds.client.countEvents(ask);
  expect(all.counts.map(({ events }) => events)).toEqual([1_500]);
  await expect(feeds.client.countEvents({})).rejects.toThrow("start_time is missing");
});

test("history says so while NATS is away", async () => {
  await feeds.server.down("SIGKILL");
  await expect(feeds.client.getEvent("cameras/one/events/x")).rejects.toMatchObject({
    code: "UNAVAILABLE",
    reason: "history_unavailable",
  });
  await feeds.server.up();
});

test("too many events to count are refused, with what to do", async () => {
  const page = { events: Array(1_000).fill(sampleEvent({ camera: "many", id: "m" })), nextPageToken: "more" };
  const counts = new EventCounts({ list: async () => page });
  const request = CountEventsRequest.fromPartial({ startTime: toTimestamp(1) });
  await expect(counts.count(request, allCameras, new AbortController().signal)).rejects.toThrow(
    "there are more than 20000 events from start_time to end_time; ask for a shorter time",
  );
});
