import { setTimeout as delay } from "node:timers/promises";
import { EndReason, type Event, EventPhase, leaseTtlMs, streams, subjects } from "@sightline/contracts";
import { afterEach, beforeEach, expect, onTestFailed, test } from "vitest";
import { AnalysisRig } from "./testing/analysis-rig.ts";
import { sceneRules } from "./testing/scene.ts";
import { analysedAsUninterrupted } from "./testing/uninterrupted-run.ts";

let rig: AnalysisRig;
beforeEach(async () => {
  rig = await AnalysisRig.start();
});
afterEach(() => rig.stop());

const started = (events: Event[]) => events.filter(({ phase }) => phase === EventPhase.START).length;

test("processes killed at random points: the timeline and the events are those of an uninterrupted run", {
  timeout: 240_000,
}, async () => {
  const cameras = ["front", "back"];
  for (const camera of cameras) await rig.register(camera, sceneRules());
  const publishing = Promise.all(cameras.map((camera) => rig.publishScene(camera, 600, 40)));
  const lives = Array.from({ length: 5 }, () => 200 + Math.round(Math.random() * 1_500));
  for (const life of lives) {
    const process = await rig.process();
    await delay(life);
    await process.signal("SIGKILL");
    await rig.expireLeases();
  }
  await rig.process();
  await publishing;
  onTestFailed(() => console.error("killed after, in milliseconds:", lives));
  for (const camera of cameras)
    expect(started(await analysedAsUninterrupted(rig, camera))).toBeGreaterThan(20);
});

test("whatever was the last thing written before a crash, the rest follows from it", {
  timeout: 240_000,
}, async () => {
  const camera = "front";
  await rig.register(camera, sceneRules());
  let analysis = await rig.analysis();
  await expect.poll(async () => (await rig.buckets.analysisState.get(camera))?.value).toBeDefined();
  const checkpoint = (await rig.buckets.analysisState.get(camera))!.value;
  await rig.publishScene(camera, 120, 40);
  const before = await analysedAsUninterrupted(rig, camera);
  const ofFrames = (events: Event[]) => events.filter(({ frame }) => frame !== undefined);
  // An entry is followed by its events: cuts between entries, between an entry and its events, and between events.
  const entries = (await rig.timeline(camera)).filter(({ entry }) => entry.entry?.$case === "frame").length;
  for (const kept of [1, 40, 97, 98, 99, 100, 101, 102, entries]) {
    await analysis.stop();
    await rig.rewind(camera, kept, checkpoint);
    analysis = await rig.analysis();
    const after = await analysedAsUninterrupted(rig, camera);
    const facts = (events: Event[]) =>
      ofFrames(events).map((event) => ({ ...event, frame: event.frame!.number }));
    expect(facts(after)).toEqual(facts(before));
  }
});

test("messages in the timeline that are no entries do not hold a camera up, also as its last", {
  timeout: 240_000,
}, async () => {
  const camera = "front";
  await rig.register(camera, sceneRules());
  const analysis = await rig.analysis();
  await rig.publishScene(camera, 60, 40);
  await expect.poll(() => rig.framesIn(camera), { timeout: 60_000 }).toBe(60);
  await analysis.stop();
  for (const data of [new Uint8Array([0xff, 0x7b]), new Uint8Array()])
    await rig.nats.jetstream.publish(subjects.timeline(camera), data);
  const unreadable = (await rig.nats.manager.streams.info("TIMELINE")).state.last_seq - 1;
  await rig.analysis();
  await rig.publishScene(camera, 40, 40);
  await rig.nats.manager.streams.deleteMessage("TIMELINE", unreadable);
  // Each frame once: neither is one lost, nor does one come again.
  await expect.poll(() => rig.framesIn(camera), { timeout: 30_000 }).toBe(100);
});

test("a process stopped and started: objects keep their tracks", { timeout: 240_000 }, async () => {
  const camera = "front";
  await rig.register(camera, sceneRules());
  const process = await rig.process();
  const publishing = rig.publishScene(camera, 240, 40);
  await expect.poll(() => rig.framesIn(camera), { timeout: 60_000 }).toBeGreaterThan(60);
  await process.signal("SIGTERM");
  const atStop = (await rig.buckets.analysisState.get(camera))!;
  expect(JSON.parse(atStop.string()).timelineSequence).toBe((await rig.timeline(camera)).at(-1)!.sequence);
  const successor = await rig.process();
  await publishing;
  await analysedAsUninterrupted(rig, camera);
  expect(await successor.metric("sightline_analysis_recoveries_total")).toBe(1);
});

test("NATS killed and back: nothing is lost and nothing comes twice", { timeout: 240_000 }, async () => {
  const camera = "front";
  await rig.register(camera, sceneRules());
  await rig.process();
  const publishing = rig.publishScene(camera, 480, 40);
  for (let kill = 1; kill <= 3; kill++) {
    await expect
      .poll(() => rig.framesIn(camera).catch(() => 0), { timeout: 60_000 })
      .toBeGreaterThan(kill * 100);
    await rig.server.down("SIGKILL");
    // The last time, so long that the lease is lost.
    if (kill === 3) await delay(leaseTtlMs + 1_000);
    await rig.server.up();
  }
  await publishing;
  expect(started(await analysedAsUninterrupted(rig, camera))).toBeGreaterThan(10);
});

test("events of frames that ingest has not any more name no picture, and later ones do", {
  timeout: 240_000,
}, async () => {
  const camera = "front";
  await rig.register(camera, sceneRules());
  await rig.publishScene(camera, 200, 40);
  await rig.process();
  const early = (await analysedAsUninterrupted(rig, camera)).filter(
    ({ frame }) => (frame?.number ?? 200) < 60,
  );
  expect(started(early)).toBeGreaterThan(1);
  expect(early.filter(({ snapshotFrame }) => snapshotFrame)).toEqual([]);
  // Of now: the picture is about to be asked for.
  const withPicture = async () => {
    await rig.publishScene(camera, 40, 40);
    const all = (await rig.events(camera)).map(({ event }) => event);
    return started(all.filter(({ snapshotFrame }) => (snapshotFrame?.number ?? 0) > 200));
  };
  await expect.poll(withPicture, { timeout: 40_000 }).toBeGreaterThan(0);
});

test("with checkpoint and timeline gone, what was analysed before makes no events again, and objects keep their tracks when the rules come into force", {
  timeout: 240_000,
}, async () => {
  const camera = "front";
  await rig.register(camera, sceneRules());
  const analysis = await rig.analysis();
  await rig.publishScene(camera, 120, 40);
  await expect.poll(() => rig.framesIn(camera), { timeout: 60_000 }).toBe(120);
  await analysis.stop();
  const before = (await rig.events(camera)).map(({ event }) => event);
  const told = Math.max(...before.map(({ frame }) => frame?.number ?? 0));
  await rig.buckets.analysisState.purge(camera);
  const { config } = await rig.nats.manager.streams.info(streams.timeline);
  await rig.nats.manager.streams.delete(streams.timeline);
  await rig.nats.manager.streams.add(config);
  await rig.analysis();
  await expect.poll(() => rig.framesIn(camera), { timeout: 60_000 }).toBe(120);
  const after = (await rig.events(camera)).map(({ event }) => event).slice(before.length);
  expect(after.filter(({ frame }) => frame && frame.number < told)).toEqual([]);
  const ended = after.filter(({ endReason }) => endReason === EndReason.ANALYSIS_LOST);
  expect(ended.length).toBeGreaterThan(0);
  const tracked = (await rig.timeline(camera)).flatMap(({ entry: { entry } }) =>
    entry?.$case === "frame" && entry.value.frame!.number >= told ? entry.value.detections : [],
  );
  expect(new Set(tracked.map(({ trackId }) => trackId)).size).toBe(4);
});

test("with timeline and events made anew and checkpoints gone, what was analysed before makes no events again", {
  timeout: 240_000,
}, async () => {
  const camera = "front";
  await rig.register(camera, sceneRules());
  // Results makes the streams again, and notes that they are not the first.
  const before = await rig.process("results");
  await rig.publishScene(camera, 120, 40);
  await expect.poll(() => rig.framesIn(camera), { timeout: 60_000 }).toBe(120);
  expect((await rig.events(camera)).length).toBeGreaterThan(0);
  await before.signal("SIGKILL");
  await rig.expireLeases();
  await rig.buckets.analysisState.purge(camera);
  for (const stream of [streams.timeline, streams.events]) await rig.nats.manager.streams.delete(stream);
  await rig.process("results");
  await rig.publishScene(camera, 60, 40);
  await expect.poll(() => rig.framesIn(camera).catch(() => 0), { timeout: 60_000 }).toBe(180);
  const told = (await rig.events(camera)).map(({ event }) => event);
  expect(told.filter(({ frame }) => frame && frame.number <= 120)).toEqual([]);
  expect(started(told)).toBeGreaterThan(0);
});
