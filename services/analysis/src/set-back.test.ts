import { CameraAnalysis } from "@sightline/analysis";
import {
  buckets,
  CameraState,
  CameraStatus,
  EndReason,
  Event,
  EventPhase,
  EventType,
  streams,
} from "@sightline/contracts";
import { ensureResultStreams } from "@sightline/service";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AnalysisRig, retention } from "./testing/analysis-rig.ts";
import type { RunningAnalysis } from "./testing/running-analysis.ts";
import { sceneRules } from "./testing/scene.ts";

// Two, so that what is stored after a loss takes the sequences of the other's.
const cameras = ["front", "back"];
const patient = { timeout: 90_000, interval: 100 };

let rig: AnalysisRig;
let analysis: RunningAnalysis;
beforeEach(async () => {
  rig = await AnalysisRig.start();
  analysis = await rig.analysis();
  for (const camera of cameras) await rig.register(camera, sceneRules());
});
afterEach(() => rig.stop());

const publish = (count: number) => Promise.all(cameras.map((camera) => rig.publishScene(camera, count, 40)));
const analysed = (camera: string, count: number) =>
  expect.poll(() => rig.framesIn(camera).catch(() => 0), patient).toBe(count);
const allAnalysed = (count: number) => Promise.all(cameras.map((camera) => analysed(camera, count)));

test.each([
  [streams.timeline, "while it was analysed"],
  [streams.timeline, "while nobody analysed"],
  [streams.events, "while it was analysed"],
  [streams.events, "while nobody analysed"],
])(
  "%s loses its newest messages %s: what was open ends, nothing is dropped and nothing happens twice",
  {
    timeout: 240_000,
  },
  async (stream, when) => {
    await publish(80);
    await allAnalysed(80);
    const goBack = await rig.server.keepCopy(stream);
    await publish(80);
    await allAnalysed(160);
    const running = when === "while it was analysed";
    if (!running) await analysis.stop();
    await goBack();
    if (!running) analysis = await rig.analysis();
    // More than was lost, so that the streams are soon as long again.
    await publish(120);
    await allAnalysed(280);
    for (const camera of cameras) {
      await vi.waitFor(() => expectWhole(camera), patient);
      // Nothing that had been stored with the checkpoint is left to go on from.
      if (!running) expect(await incarnationsOf(camera)).toHaveLength(2);
    }
    if (!running)
      expect(await analysis.metric(`sightline_stream_set_backs_total{stream="${stream}"}`)).toBe(2);
  },
);

test.each([
  ["before", false],
  ["after", true],
])(
  "timeline, events and checkpoint are all as they were %s the analysis had begun, while it is analysed: what it had told is not told again",
  {
    timeout: 120_000,
  },
  async (_, begun) => {
    const checkpoint = async (camera: string) => (await rig.buckets.analysisState.get(camera))?.operation;
    for (const camera of begun ? cameras : [])
      await expect.poll(() => checkpoint(camera), patient).toBe("PUT");
    const goBack = await rig.server.keepCopy(streams.timeline, streams.events, `KV_${buckets.analysisState}`);
    await publish(100);
    await allAnalysed(100);
    expect((await rig.events("front")).length).toBeGreaterThan(0);
    await goBack();
    await publish(60);
    await allAnalysed(160);
    for (const camera of cameras)
      expect(
        (await rig.events(camera)).filter(({ event: { frame } }) => frame && frame.number <= 100),
      ).toEqual([]);
  },
);

test("a camera that is down while its timeline is lost: that goes on as one event, over another end of the analysis too", {
  timeout: 120_000,
}, async () => {
  const state = (state: CameraState) =>
    rig.buckets.cameraStatus.put("front", CameraStatus.encode(CameraStatus.fromPartial({ state })).finish());
  const told = async () =>
    (await rig.events("front")).map(({ event }) => [event.name, event.type, event.phase, event.endReason]);
  await state(CameraState.DOWN);
  await expect.poll(told, patient).toHaveLength(1);
  await analysis.stop();
  await rig.nats.manager.streams.delete(streams.timeline);
  await ensureResultStreams(rig.nats.manager, {
    timeline: retention,
    events: retention,
    deadLetters: retention,
    audit: retention,
  });
  analysis = await rig.analysis();
  await expect.poll(async () => (await rig.timeline("front")).length, patient).toBeGreaterThan(0);
  await analysis.stop();
  await rig.expireLeases();
  analysis = await rig.analysis();
  await state(CameraState.LIVE);
  await expect.poll(async () => (await told()).length, patient).toBeGreaterThan(2);
  const [[down] = []] = await told();
  expect(await told()).toEqual([
    [down, EventType.CAMERA_DOWN, EventPhase.START, EndReason.UNSPECIFIED],
    [down, EventType.CAMERA_DOWN, EventPhase.END, EndReason.CONDITION_OVER],
    [expect.anything(), EventType.CAMERA_UP, EventPhase.ONCE, EndReason.UNSPECIFIED],
  ]);
  // What was published is found again.
  await analysis.stop();
  await rig.expireLeases();
  analysis = await rig.analysis();
  await state(CameraState.DOWN);
  await expect.poll(async () => (await told()).length, patient).toBeGreaterThan(3);
  expect((await told())[3]).toMatchObject([expect.anything(), EventType.CAMERA_DOWN, EventPhase.START, 0]);
  expect(await incarnationsOf("front")).toHaveLength(1);
});

async function incarnationsOf(camera: string): Promise<string[]> {
  return [...new Set((await rig.timeline(camera)).map(({ entry }) => entry.incarnation))];
}

/** Checks what subscribers and history see of a camera's analysis in the end. */
async function expectWhole(camera: string): Promise<void> {
  const timeline = await rig.timeline(camera);
  const frames = timeline.flatMap(({ entry }) =>
    entry.entry?.$case === "frame" ? entry.entry.value.frame!.number : [],
  );
  expect(frames).toEqual(Array.from({ length: 280 }, (_, i) => i + 1));
  const stored = (await rig.events(camera)).map(({ event }) => event);
  const newest = new Map<string, Event>();
  for (const event of stored) {
    const before = newest.get(event.name);
    // Each message once, and nothing after an end. The first may be lost, but not be told later.
    if (before) expect(event.revision).toBe(before.revision + 1);
    if (before) expect([EventPhase.START, EventPhase.UPDATE]).toContain(before.phase);
    newest.set(event.name, event);
  }
  const incarnation = (await incarnationsOf(camera)).at(-1)!;
  const isLate = ({ name }: Event) => name.includes(`/${incarnation}-`);
  const early = [...newest.values()].filter((event) => !isLate(event));
  const open = early.filter(({ phase }) => phase === EventPhase.START || phase === EventPhase.UPDATE);
  expect(open).toEqual([]);
  if (early.length > 0) expect(early.map(({ endReason }) => endReason)).toContain(EndReason.ANALYSIS_LOST);
  // One after another: what ends the old comes before the new begins.
  const firstLate = stored.findIndex(isLate);
  expect(stored.slice(firstLate).every(isLate)).toBe(true);
  const crossings = stored.filter(({ type }) => type === EventType.CROSSED_LINE);
  expect(new Set(crossings.map(({ frame }) => frame!.number)).size).toBe(crossings.length);
  // What follows from the timeline is what is stored.
  const again = new CameraAnalysis(camera, incarnation);
  const own = timeline.filter(({ entry }) => entry.incarnation === incarnation);
  const following = own.flatMap(({ entry }) => again.entry(entry.entry!));
  const plain = (event: Event) => ({
    ...Event.decode(Event.encode(event).finish()),
    snapshotFrame: undefined,
    snapshotScore: 0,
  });
  expect(stored.filter(isLate).map(plain)).toEqual(following.map(plain));
}
