import { TestPictures } from "@sightline/analysis-service/testing";
import {
  Event,
  EventPhase,
  EventType,
  type HttpEventPage,
  streams,
  subjects,
  toTimestamp,
} from "@sightline/contracts";
import { PictureClient, SnapshotStore } from "@sightline/service";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CheckedApi } from "../../testing/api-document.ts";
import { LiveBrowser } from "../../testing/live-browser.ts";
import { RunningResults } from "../../testing/running-results.ts";
import { sampleFrame } from "../../testing/sample-frames.ts";

let results: RunningResults;
let pictures: TestPictures;
let api: CheckedApi;
beforeAll(async () => {
  results = await RunningResults.start();
  pictures = await TestPictures.start(results.nats);
  api = await CheckedApi.open(results.addresses.http);
});
afterAll(async () => {
  pictures.stop();
  await results.stop();
});

const jpegBegin = new Uint8Array([0xff, 0xd8]);

test("events: listed by what they are, read, with their picture", async () => {
  const at = toTimestamp(Date.parse("2026-01-02T03:04:05Z"));
  const event = (id: string, type: EventType, zone: string) =>
    Event.fromPartial({
      name: `cameras/yard/events/${id}`,
      type,
      phase: EventPhase.ONCE,
      revision: 1,
      zone,
      startTime: at,
      updateTime: at,
      endTime: at,
      track: {
        ...{ id: "1", className: "person", attributes: [{ name: "colour", value: "red", score: 0.8 }] },
        normalizedBox: { xMin: 0.1, yMin: 0.2, xMax: 0.3, yMax: 0.4 },
      },
    });
  for (const one of [event("a-e1", EventType.LEFT_ZONE, "door"), event("a-e2", EventType.LEFT, "")])
    await results.nats.jetstream.publish(
      subjects.event("yard", one.name.split("/").at(-1)!),
      Event.encode(one).finish(),
    );
  const ids = async (query = "") =>
    ((await api.call("get", "/events", { query: `?camera=yard${query}` })).body as HttpEventPage).events.map(
      ({ id }) => id,
    );
  expect(await ids()).toEqual(["a-e2", "a-e1"]);
  expect(await ids("&type=left_zone&zone=door&class=person")).toEqual(["a-e1"]);
  expect(await ids("&type=left&attribute=colour%3Dblue,red")).toEqual(["a-e2"]);
  expect(await ids("&attribute=colour%3Dblue")).toEqual([]);
  expect(await api.call("get", "/events", { query: "?attribute=red" })).toMatchObject({
    body: { code: "invalid_argument", message: expect.stringContaining("such as colour=red") },
  });
  expect(await ids("&type=left_zone&type=left&from=2026-01-01T00:00:00Z")).toEqual(["a-e2", "a-e1"]);
  expect(await ids("&to=2026-01-01T00:00:00%2B01:00")).toEqual([]);
  const first = await api.call("get", "/events", { query: "?camera=yard&pageSize=1" });
  const { nextPageToken } = first.body as HttpEventPage;
  expect(await ids(`&pageSize=1&pageToken=${nextPageToken}`)).toEqual(["a-e1"]);
  const params = { camera: "yard", event: "a-e1" };
  expect(await api.call("get", "/events/{camera}/{event}", { params })).toMatchObject({
    body: {
      camera: "yard",
      id: "a-e1",
      type: "left_zone",
      track: { box: [0.1, 0.2, 0.3, 0.4], attributes: { colour: { value: "red" } } },
    },
  });
  const snapshot = "/events/{camera}/{event}/snapshot";
  const store = await SnapshotStore.open(results.nats, {
    maxAgeSeconds: 3600,
    maxBytes: 64 * 1024 ** 2,
    replicas: 1,
  });
  const { jpeg, ...picture } = await new PictureClient(results.nats).get("yard", {});
  await store.put("yard/a-e1", jpeg, { ...picture, boxes: [] });
  const plain = await api.call("get", snapshot, { params });
  expect([plain.status, plain.headers.get("cache-control")]).toEqual([200, "no-cache"]);
  expect(Buffer.from(plain.body as ArrayBuffer)).toEqual(Buffer.from(jpeg));
  const annotated = await api.call("get", snapshot, { params, query: "?annotated=true&revision=3" });
  expect(new Uint8Array(annotated.body as ArrayBuffer).subarray(0, 2)).toEqual(jpegBegin);
  const small = await api.call("get", snapshot, { params, query: "?cutOut=true" });
  expect(new Uint8Array(small.body as ArrayBuffer).subarray(0, 2)).toEqual(jpegBegin);
  expect(await api.call("get", snapshot, { params: { ...params, event: "a-e2" } })).toMatchObject({
    status: 404,
    body: { code: "snapshot_not_found" },
  });
  expect(
    await api.call("get", "/events/{camera}/{event}", { params: { ...params, event: "none" } }),
  ).toMatchObject({ status: 404, body: { code: "event_not_found" } });
});

test("a query that is not understood is refused, with what was meant", async () => {
  const refusal = async (path: string) => {
    const { status, body } = await api.call("get", path.split("?")[0]!, {
      params: { camera: "yard" },
      query: `?${path.split("?")[1]}`,
    });
    expect([path, status]).toEqual([path, 400]);
    return (body as { message: string }).message;
  };
  expect(await refusal("/events?startTime=2026-01-01T00:00:00Z&cameras=yard")).toBe(
    `there is no query parameter 'startTime' here, it takes camera, type, class, zone, attribute, from, to, minScore, minSeconds, text, reviewed, pageSize, pageToken; did you mean from?
there is no query parameter 'cameras' here, it takes camera, type, class, zone, attribute, from, to, minScore, minSeconds, text, reviewed, pageSize, pageToken; did you mean camera?`,
  );
  expect(await refusal("/cameras?limit=3")).toMatch(/did you mean pageSize\?$/);
  expect(await refusal("/cameras/{camera}?fps=3")).toBe(
    "there is no query parameter 'fps' here, it takes none",
  );
  expect(await refusal("/cameras/{camera}/picture?w=3")).toMatch(/it takes width, annotated/);
  expect(await refusal("/system?x=1")).toMatch(/'x' here, it takes none$/);
  expect(await refusal("/events?from=yesterday&pageSize=0")).toBe(
    "query parameter from: expected a time such as 2026-03-01T08:00:00Z; query parameter pageSize: expected a whole number from 1 to 1000",
  );
});

test("events are reviewed, for all who look, until their event is gone", async () => {
  const { client, nats } = results;
  const camera = "dock";
  const tell = (id: string, phase: EventPhase, revision: number) =>
    nats.jetstream.publish(
      subjects.event(camera, id),
      Event.encode(
        Event.fromPartial({
          name: `cameras/${camera}/events/${id}`,
          ...{ type: EventType.APPEARED, phase, revision, startTime: toTimestamp(Date.now()) },
        }),
      ).finish(),
    );
  for (const id of ["r1", "r2", "r3"]) await tell(id, EventPhase.START, 1);
  const ids = async (query: string) => {
    const { body } = await api.call("get", "/events", { query: `?camera=${camera}${query}` });
    return (body as HttpEventPage).events.map(({ id }) => id);
  };
  const browser = await LiveBrowser.open(results.addresses.http);
  const names = ["r1", "none", "r2"].map((id) => `cameras/${camera}/events/${id}`);
  expect(await client.events.review(names)).toEqual([names[0], names[2]]);
  await expect
    .poll(() => browser.of("review").map((message) => [message.id, message.review?.user]))
    .toEqual([
      ["r1", "local"],
      ["r2", "local"],
    ]);
  expect(await ids("&reviewed=false")).toEqual(["r3"]);
  expect(await ids("&reviewed=true")).toEqual(["r2", "r1"]);
  // What comes of an event later does not make it new.
  await tell("r1", EventPhase.END, 2);
  await expect.poll(async () => (await client.events.get(names[0]!)).revision).toBe(2);
  expect((await client.events.get(names[0]!)).review?.user).toBe("local");
  const answer = await api.call("post", "/events/review", {
    body: { events: [{ camera, id: "r2" }], reviewed: false },
  });
  expect(answer.body).toEqual({ events: [{ camera, id: "r2" }] });
  expect(await ids("&reviewed=false")).toEqual(["r3", "r2"]);
  const kept = async () => Array.fromAsync(await results.buckets.eventReviews.keys());
  expect(await kept()).toEqual([`${camera}.r1`]);
  // No ingest runs here that could delete recordings.
  await expect(client.cameras.forget(camera)).rejects.toThrow(
    "events, their pictures and detections are deleted",
  );
  expect(await kept()).toEqual([]);
  await browser.close();
  await expect(client.events.review([])).rejects.toThrow("0 events are named; expected 1 to 1000");
  await expect(client.events.review(["front/e1"])).rejects.toThrow("'front/e1' is not an event's name");
});

test("detections of a camera are deleted: those of a range of time, then all that its analysis does not need, and all once it is removed", async () => {
  const { client, nats, buckets } = results;
  const camera = "gate";
  const begin = Date.now() - 60_000;
  const publish = async (number: number) => {
    const sample = sampleFrame({ camera, number });
    sample.frame!.captureTime = toTimestamp(begin + number * 1_000);
    await results.publish(sample);
    await expect.poll(() => results.newestFrame(camera)).toBe(number);
  };
  const kept = async () =>
    (await Array.fromAsync(client.detections.list({ cameras: [camera], includeEmpty: true }))).map(
      ({ frame }) => frame!.number,
    );
  const stored = async (stream: string) => {
    const { state } = await nats.manager.streams.info(stream, { subjects_filter: `*.${camera}` });
    return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
  };
  const checkpoint = async () => {
    const { seq = 0 } =
      (await nats.manager.streams.getMessage(streams.timeline, {
        last_by_subj: subjects.timeline(camera),
      })) ?? {};
    const entry = await buckets.analysisState.get(camera);
    return entry?.json<{ timelineSequence: number }>().timelineSequence === seq;
  };
  // No ingest runs here that could delete recordings.
  const forget = (range?: { from: Date; to: Date }) =>
    expect(client.cameras.forget(camera, range)).rejects.toThrow("recordings are not");
  for (let number = 1; number <= 6; number++) await publish(number);
  await expect.poll(checkpoint, { timeout: 20_000 }).toBe(true);
  await forget({ from: new Date(begin + 2_000), to: new Date(begin + 4_000) });
  expect(await kept()).toEqual([1, 4, 5, 6]);
  await forget();
  // The newest entry stays, be it a frame or not, and the analysis goes on after it.
  expect(await stored(streams.timeline)).toBe(1);
  await publish(7);
  expect(await kept()).toContain(7);
  expect((await kept())[0]).toBeGreaterThanOrEqual(6);
  await client.cameras.delete(camera);
  await expect
    .poll(async () => (await buckets.analysisState.get(camera))?.operation, { timeout: 20_000 })
    .toBe("DEL");
  expect(await stored(streams.detections)).toBeGreaterThan(0);
  await forget();
  expect(await kept()).toEqual([]);
  expect(await stored(streams.detections)).toBe(0);
  expect(await stored(streams.timeline)).toBe(0);
});
