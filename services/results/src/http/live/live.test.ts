import { once } from "node:events";
import { TestPictures } from "@sightline/analysis-service/testing";
import {
  CameraState,
  CameraStatus,
  Event,
  EventPhase,
  EventType,
  type HttpCamera,
  subjects,
} from "@sightline/contracts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LiveBrowser } from "../../testing/live-browser.ts";
import { RunningResults } from "../../testing/running-results.ts";
import { type SampleFrame, sampleFrame } from "../../testing/sample-frames.ts";

let results: RunningResults;
let source: TestPictures;
const browsers: LiveBrowser[] = [];
beforeEach(async () => {
  results = await RunningResults.start({ SIGHTLINE_MAX_SOCKETS: "3" });
  source = await TestPictures.start(results.nats);
});
afterEach(async () => {
  for (const browser of browsers.splice(0)) await browser.close();
  source.stop();
  await results.stop();
});

async function open(): Promise<LiveBrowser> {
  const browser = await LiveBrowser.open(results.addresses.http);
  browsers.push(browser);
  return browser;
}

/** Whoever watches does so before the next message of the server. */
async function settled(browser: LiveBrowser): Promise<void> {
  const pong = once(browser.socket, "pong");
  browser.socket.ping();
  await pong;
}

async function watch(browser: LiveBrowser): Promise<void> {
  browser.send({ type: "watch", cameras: [{ id: "front", width: 300, maxFps: 60 }] });
  await settled(browser);
}

/** Publishes a frame of the camera `front`, and waits until the server has delivered it and all before. */
async function deliver(number: number, found?: SampleFrame["found"]): Promise<void> {
  await results.publish(sampleFrame({ number, ...(found && { found }) }));
  await expect
    .poll(() => results.metric('sightline_frame_latency_seconds_count{camera="front"}'))
    .toBe(number);
}

test("all that is known comes first, then every change", async () => {
  const { cameras } = results.client;
  await cameras.register("front", { uri: "rtsp://u:hunter2@cam/x" });
  const browser = await open();
  await expect.poll(() => browser.of("rules")).toHaveLength(1);
  expect(browser.messages[0]).toMatchObject({
    type: "cameras",
    cameras: [{ id: "front", status: { state: "pending" }, findings: [{ level: "warning" }] }],
  });
  await cameras.register("back", { uri: "rtsp://cam/y" });
  await expect.poll(() => browser.of("camera").at(-1)?.camera.id).toBe("back");
  const status = CameraStatus.fromPartial({ state: CameraState.LIVE, ingest: "i", epoch: "e1" });
  await results.buckets.cameraStatus.put("front", CameraStatus.encode(status).finish());
  await expect
    .poll(() => browser.of("camera").findLast(({ camera }) => camera.id === "front")?.camera.status.state)
    .toBe("live");
  const rules = `http://${results.addresses.http}/api/v1/cameras/front/rules`;
  const zones = [
    {
      name: "door",
      polygon: [
        [0, 0],
        [1, 0],
        [1, 1],
      ],
    },
  ];
  const body = JSON.stringify({ zones });
  await fetch(rules, { method: "PUT", headers: { "content-type": "application/json" }, body });
  await expect.poll(() => browser.of("rules").at(-1)).toMatchObject({ camera: "front", rules: { zones } });
  await cameras.delete("back");
  await expect.poll(() => browser.of("cameraRemoved")).toEqual([{ type: "cameraRemoved", id: "back" }]);
  const event = Event.fromPartial({
    name: "cameras/yard/events/a-e1",
    type: EventType.LEFT,
    phase: EventPhase.ONCE,
  });
  await results.nats.jetstream.publish(subjects.event("yard", "a-e1"), Event.encode(event).finish());
  await expect
    .poll(() => browser.of("event").map(({ event: { id, type } }) => [id, type]))
    .toContainEqual(["a-e1", "left"]);
  await expect.poll(() => browser.of("samples").length).toBeGreaterThan(0);
  expect(JSON.stringify(browser.messages)).not.toContain("hunter");
});

test("a camera's figures are there from the first message", async () => {
  await results.client.cameras.register("front", { uri: "rtsp://cam/x" });
  await deliver(1);
  const camera = `http://${results.addresses.http}/api/v1/cameras/front`;
  const figures = async () => ((await (await fetch(camera)).json()) as HttpCamera).figures;
  await expect.poll(figures).toMatchObject({ latencyMs: { p95: expect.any(Number) } });
  const browser = await open();
  await expect.poll(() => browser.of("cameras")).toHaveLength(1);
  expect(browser.of("cameras")[0]?.cameras[0]?.figures?.latencyMs?.p50).toBeGreaterThan(0);
});

test("pictures of watched cameras come with what was found in the very frame; of others none is made", async () => {
  const browser = await open();
  for (let number = 1; number <= 3; number++) await deliver(number);
  await watch(browser);
  expect(source.requests).toEqual([]);
  await deliver(4, [
    ["person", 0.75],
    ["car", 0.5],
  ]);
  await results.publish(sampleFrame({ number: 1, camera: "back" }));
  await expect.poll(() => browser.pictures).toHaveLength(1);
  const { head, jpeg } = browser.pictures[0]!;
  expect(head).toMatchObject({
    camera: "front",
    epoch: "e1",
    number: 4,
    detections: [
      { className: "person", score: 0.75, box: [0.1, 0.2, 0.3, 0.8] },
      { className: "car", score: 0.5 },
    ],
  });
  expect(head.latencyMs).toBeGreaterThan(0);
  expect([...jpeg.subarray(0, 2)]).toEqual([0xff, 0xd8]);
  expect(source.requests).toEqual([{ camera: "front", epoch: "e1", number: 4, maxWidth: 320 }]);
  browser.send({ type: "watch", cameras: [] });
  await settled(browser);
  await deliver(5);
  expect(source.requests).toHaveLength(1);
});

test("one that draws nothing gets two pictures, then the newest for one that it draws; another gets all", async () => {
  const [idle, eager] = [await open(), await open()];
  idle.draws = false;
  for (const browser of [idle, eager]) await watch(browser);
  let number = 0;
  while (eager.pictures.length < 6) await deliver(++number);
  expect(idle.pictures).toHaveLength(2);
  const made = source.requests.length;
  expect(made).toBeLessThan(number + 1);
  idle.send({ type: "drawn", camera: "front" });
  await expect.poll(() => idle.pictures.at(2)?.head.number).toBe(number);
  await deliver(++number);
  expect(idle.pictures).toHaveLength(3);
});

test("a browser that stops reading gets the newest state when it reads again, and holds up nobody", async () => {
  // Large on purpose: what the operating system keeps for a connection is a few megabytes.
  const classes = Array.from({ length: 1000 }, (_, index) => `${index}`.padStart(64, "c"));
  await results.client.cameras.register("front", { uri: "rtsp://cam/x", classes });
  const [slow, fast] = [await open(), await open()];
  for (const browser of [slow, fast]) await watch(browser);
  slow.socket.pause();
  const changes = 600;
  for (let reconnects = 1; reconnects <= changes; reconnects++) {
    const status = CameraStatus.fromPartial({
      state: CameraState.CONNECTING,
      ingest: "i",
      epoch: "e1",
      reconnects,
    });
    await results.buckets.cameraStatus.put("front", CameraStatus.encode(status).finish());
  }
  const newest = (browser: LiveBrowser) => browser.of("camera").at(-1)?.camera.status.reconnects;
  await expect.poll(() => newest(fast)).toBe(changes);
  await deliver(1);
  await expect.poll(() => fast.pictures).toHaveLength(1);
  expect(newest(slow)).not.toBe(changes);
  slow.socket.resume();
  await expect.poll(() => newest(slow)).toBe(changes);
  expect(slow.of("camera").length).toBeLessThan(changes);
});

test("a frame of which there is no picture is passed over", async () => {
  const browser = await open();
  await watch(browser);
  let number = 0;
  source.refusal = () => "gone";
  while (source.requests.length < 3) await deliver(++number);
  expect(browser.pictures).toEqual([]);
  source.refusal = () => undefined;
  const refused = number;
  while (browser.pictures.length === 0) await deliver(++number);
  expect(browser.pictures[0]?.head.number).toBeGreaterThan(refused);
});

test("what is no request is answered with an error, and the connection goes on", async () => {
  const browser = await open();
  for (const wrong of ["{", "[]", '{"type":"dance"}', '{"type":"watch","cameras":[{"id":"front"}]}']) {
    const before = browser.of("error").length;
    browser.socket.send(wrong);
    await expect.poll(() => browser.of("error").length).toBe(before + 1);
  }
  browser.socket.send(Buffer.from([1, 2, 3]));
  await expect.poll(() => browser.of("error").length).toBe(5);
  expect(browser.of("error").every(({ code }) => code === "invalid_argument")).toBe(true);
  const closed = once(browser.socket, "close");
  browser.socket.send("x".repeat(100_000));
  expect((await closed)[0]).toBe(1009);
});

test("more browsers than allowed are refused; the places of those that left are free", async () => {
  const all = [await open(), await open(), await open()];
  await expect(open()).rejects.toThrow("429");
  await all[0]!.close();
  browsers.splice(0, 1);
  await expect.poll(() => results.metric("sightline_live_sockets")).toBe(2);
  await open();
});

test("a stopping server says so to browsers, and does not wait for one that is silent", async () => {
  const [awake, asleep] = [await open(), await open()];
  asleep.socket.pause();
  const closed = once(awake.socket, "close");
  await results.stopService();
  expect((await closed)[0]).toBe(1001);
});
