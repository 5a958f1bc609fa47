import { setTimeout as delay } from "node:timers/promises";
import { headers } from "@nats-io/transport-node";
import {
  CameraReason,
  CameraRules,
  CameraState,
  CameraStatus,
  cameraRecordSchema,
  decodeJson,
  EndReason,
  type Event,
  EventPhase,
  EventType,
  encodeJson,
  FrameDetections,
  fromTimestamp,
  streams,
  subjects,
  toTimestamp,
} from "@sightline/contracts";
import { traceHeader } from "@sightline/service";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AnalysisRig } from "./testing/analysis-rig.ts";
import type { RunningAnalysis } from "./testing/running-analysis.ts";
import { sceneFrame, sceneRules } from "./testing/scene.ts";
import { analysedAsUninterrupted } from "./testing/uninterrupted-run.ts";

const camera = "front";
const patient = { timeout: 60_000, interval: 30 };

let rig: AnalysisRig;
let analysis: RunningAnalysis;
beforeEach(async () => {
  rig = await AnalysisRig.start();
  analysis = await rig.analysis();
});
afterEach(() => rig.stop());

const report = (status: Partial<CameraStatus>) =>
  rig.buckets.cameraStatus.put(camera, CameraStatus.encode(CameraStatus.fromPartial(status)).finish());

const kinds = async () => (await rig.timeline(camera)).map(({ entry }) => entry.entry!.$case);
const eventsOf = async (...types: EventType[]) =>
  (await rig.events(camera)).map(({ event }) => event).filter(({ type }) => types.includes(type));
const phases = (events: Event[]) => events.map(({ phase }) => phase);

test("frames come in order with tracks, and events from the rules", async () => {
  await rig.register(camera, sceneRules());
  await rig.publishScene(camera, 100, 40);
  const events = await analysedAsUninterrupted(rig, camera);
  const types = new Set(events.map(({ type }) => type));
  expect(types).toEqual(
    new Set([EventType.APPEARED, EventType.ENTERED_ZONE, EventType.CROSSED_LINE, EventType.COUNT_ABOVE]),
  );
  expect((await kinds())[0]).toBe("rules");
  const timeline = await rig.timeline(camera);
  const watermarks = timeline.map(({ entry }) => entry.detectionsSequence);
  expect(watermarks).toEqual(watermarks.toSorted((a, b) => a - b));
  for (const { entry } of timeline)
    if (entry.entry?.$case === "frame") expect(entry.entry.value.timings!.trackUs).toBeGreaterThan(0);
  await expect.poll(() => analysis.metric("sightline_analysis_seconds_count")).toBe(100);
  await expect.poll(() => analysis.metric(`sightline_analysis_lag_messages{camera="${camera}"}`)).toBe(0);
  const appeared = `sightline_events_total{camera="${camera}",type="appeared",phase="start"}`;
  expect(await analysis.metric(appeared)).toBe(
    events.filter(({ type, phase }) => type === EventType.APPEARED && phase === EventPhase.START).length,
  );
});

test("time goes on without frames: tracks end, and then nothing more is written", async () => {
  await rig.register(camera, sceneRules());
  await rig.publishScene(camera, 40, 40);
  await expect.poll(kinds, patient).toContain("tick");
  const open = async () => {
    const appeared = await eventsOf(EventType.APPEARED);
    return (
      phases(appeared).filter((phase) => phase === EventPhase.START).length -
      phases(appeared).filter((phase) => phase === EventPhase.END).length
    );
  };
  await expect.poll(open, patient).toBe(0);
  expect((await eventsOf(EventType.APPEARED)).at(-1)!.endReason).toBe(EndReason.TRACK_LOST);
  const entries = (await kinds()).length;
  await delay(1_500);
  expect((await kinds()).length).toBe(entries);
});

test("new rules apply from then on, and rules that are no more end their events", async () => {
  await rig.register(camera);
  const publishing = rig.publishScene(camera, 200, 40);
  await expect.poll(() => rig.framesIn(camera), patient).toBeGreaterThan(40);
  expect(await rig.events(camera)).toEqual([]);
  const revision = await rig.buckets.cameraRules.put(camera, CameraRules.encode(sceneRules()).finish());
  await expect.poll(() => eventsOf(EventType.APPEARED), patient).not.toEqual([]);
  await rig.buckets.cameraRules.delete(camera);
  await expect.poll(async () => (await kinds()).filter((kind) => kind === "rules").length, patient).toBe(2);
  await publishing;
  await analysedAsUninterrupted(rig, camera);
  const changes = (await rig.timeline(camera)).flatMap(({ entry }) =>
    entry.entry?.$case === "rules" ? [entry.entry.value.rules!] : [],
  );
  expect(changes.map(({ etag }) => etag)).toEqual([String(revision), ""]);
  const lastEnd = async () => (await eventsOf(EventType.APPEARED)).at(-1)!.endReason;
  await expect.poll(lastEnd, patient).toBe(EndReason.RULE_INACTIVE);
});

test("a camera that goes down ends its tracks, and one that comes back says so", async () => {
  await rig.register(camera, sceneRules());
  await report({ state: CameraState.LIVE });
  await rig.publishScene(camera, 60, 40);
  await expect.poll(() => rig.framesIn(camera), patient).toBe(60);
  expect(await kinds()).not.toContain("transition");
  const reason = CameraReason.STREAM_ENDED;
  await report({ state: CameraState.DOWN, reason, message: "the camera ended the stream" });
  await expect.poll(() => eventsOf(EventType.CAMERA_DOWN), patient).toHaveLength(1);
  const [down] = await eventsOf(EventType.CAMERA_DOWN);
  expect(down).toMatchObject({ phase: EventPhase.START, cameraReason: reason });
  const lastEnd = async () => (await eventsOf(EventType.APPEARED)).at(-1)!.endReason;
  await expect.poll(lastEnd, patient).toBe(EndReason.CAMERA_DOWN);
  await report({ state: CameraState.CONNECTING });
  await report({
    state: CameraState.DOWN,
    reason: CameraReason.UNAUTHORIZED,
    message: "the password is wrong",
  });
  const why = async () => (await eventsOf(EventType.CAMERA_DOWN)).at(-1)!;
  await expect.poll(why, patient).toMatchObject({ cameraReason: CameraReason.UNAUTHORIZED });
  expect((await why()).message).toBe("camera is down: the password is wrong");
  await report({ state: CameraState.CONNECTING });
  await report({ state: CameraState.LIVE });
  await expect.poll(() => eventsOf(EventType.CAMERA_UP), patient).toHaveLength(1);
  const downs = async () => phases(await eventsOf(EventType.CAMERA_DOWN));
  await expect.poll(downs, patient).toEqual([EventPhase.START, EventPhase.UPDATE, EventPhase.END]);
  expect((await kinds()).filter((kind) => kind === "transition")).toHaveLength(3);
});

test("a state that changed while nobody analysed comes after the frames of before", async () => {
  await rig.register(camera, sceneRules());
  await report({ state: CameraState.LIVE });
  await rig.publishScene(camera, 40, 40);
  await expect.poll(() => rig.framesIn(camera), patient).toBe(40);
  await analysis.stop();
  await rig.publishScene(camera, 40, 40);
  await report({ state: CameraState.DOWN, reason: CameraReason.STALLED });
  await rig.analysis();
  await expect.poll(() => eventsOf(EventType.CAMERA_DOWN), patient).toHaveLength(1);
  const frames = await kinds();
  expect(frames.lastIndexOf("frame")).toBeLessThan(frames.indexOf("transition"));
  await analysedAsUninterrupted(rig, camera);
});

test("a camera that goes down has the last word: frames of before that come late are recorded only", async () => {
  await rig.register(camera, sceneRules());
  await report({ state: CameraState.LIVE });
  await rig.publishScene(camera, 60, 40);
  await expect.poll(() => rig.framesIn(camera), patient).toBe(60);
  const last = FrameDetections.decode(rig.published.get(camera)!.at(-1)!).frame!;
  const startMs = fromTimestamp(last.captureTime!) - 59 * 25;
  const onTheWay = (number: number) =>
    rig.publish(sceneFrame({ camera, number, atMs: (number - 1) * 25, startMs }));
  const lastFrameTime = toTimestamp(startMs + 63 * 25);
  await report({ state: CameraState.DOWN, reason: CameraReason.STREAM_ENDED, lastFrameTime });
  await expect.poll(kinds, patient).toContain("transition");
  for (const number of [61, 62, 63, 64]) await onTheWay(number);
  await expect.poll(() => rig.framesIn(camera), patient).toBe(64);
  const all = (await rig.events(camera)).map(({ event }) => event);
  // All that was open ends by that, then the camera is down, and nothing more is heard of it.
  expect(all.at(-1)).toMatchObject({ type: EventType.CAMERA_DOWN, phase: EventPhase.START });
  const newest = new Map(all.map((event) => [event.name, event]));
  const open = [...newest.values()].filter(({ endTime }) => endTime === undefined);
  expect(open.map(({ type }) => type)).toEqual([EventType.CAMERA_DOWN]);
  expect(all.at(-2)).toMatchObject({ phase: EventPhase.END, endReason: EndReason.CAMERA_DOWN });
  const tracked = (await rig.timeline(camera)).map(({ entry }) =>
    entry.entry?.$case === "frame"
      ? entry.entry.value.detections.some(({ trackId }) => trackId !== "")
      : entry.entry?.$case,
  );
  expect(tracked.slice(-6)).toEqual([true, "transition", false, false, false, false]);
  // What is captured afterwards is followed again, by whoever goes on.
  await analysis.stop();
  await rig.analysis();
  for (const number of [65, 66]) await onTheWay(number);
  await expect.poll(() => rig.framesIn(camera), patient).toBe(66);
  const trackIds = async () =>
    (await rig.timeline(camera)).flatMap(({ entry }) =>
      entry.entry?.$case === "frame" && entry.entry.value.frame!.number === 66
        ? entry.entry.value.detections.map(({ trackId }) => trackId)
        : [],
    );
  expect((await trackIds()).filter((id) => id !== "")).not.toEqual([]);
});

test("another address ends what was seen from the one before, and nothing more", async () => {
  await rig.register(camera, sceneRules());
  const record = decodeJson(cameraRecordSchema, (await rig.buckets.cameras.get(camera))!.value);
  await report({ state: CameraState.LIVE });
  await rig.publishScene(camera, 60, 40);
  await expect.poll(() => rig.framesIn(camera), patient).toBe(60);
  const moved = { ...record, uri: "rtsp://127.0.0.1:8554/elsewhere" };
  await rig.buckets.cameras.put(camera, encodeJson(moved));
  const lastEnd = async () => (await eventsOf(EventType.APPEARED)).at(-1)!.endReason;
  await expect.poll(lastEnd, patient).toBe(EndReason.CAMERA_CHANGED);
  // A change of anything else is none.
  await rig.buckets.cameras.put(camera, encodeJson({ ...moved, targetFps: 3 }));
  await rig.publishScene(camera, 60, 40);
  await expect.poll(() => rig.framesIn(camera), patient).toBe(120);
  expect((await kinds()).filter((kind) => kind === "transition")).toHaveLength(1);
  expect(await eventsOf(EventType.CAMERA_DOWN, EventType.CAMERA_UP)).toEqual([]);
});

test("a removed camera ends what is open, raises no alarm, and leaves no state and no series", async () => {
  await rig.register(camera, sceneRules());
  await rig.publishScene(camera, 60, 40);
  await expect.poll(() => rig.framesIn(camera), patient).toBe(60);
  await rig.buckets.cameras.delete(camera);
  // As the results services do.
  await rig.buckets.cameraRules.delete(camera);
  await expect
    .poll(() => rig.buckets.holders.get(`tracker.${camera}`).then((entry) => entry?.operation), patient)
    .toBe("DEL");
  const state = async () => (await rig.buckets.analysisState.get(camera))?.operation;
  await expect.poll(state, patient).toBe("DEL");
  const ends = async () => {
    const newest = new Map((await rig.events(camera)).map(({ event }) => [event.name, event]));
    return [...newest.values()].filter(({ phase }) => phase !== EventPhase.ONCE);
  };
  expect(new Set((await ends()).map(({ phase }) => phase))).toEqual(new Set([EventPhase.END]));
  expect((await ends()).at(-1)!.endReason).toBe(EndReason.CAMERA_REMOVED);
  expect(await eventsOf(EventType.CAMERA_DOWN)).toEqual([]);
  await expect.poll(() => analysis.registry.metrics()).not.toContain(`camera="${camera}"`);
  // Registered again, it is another camera: nothing of before comes once more.
  await rig.register(camera);
  await expect.poll(() => analysis.metric("sightline_analysis_cameras"), patient).toBe(1);
  await rig.publish(sceneFrame({ camera, epoch: "e2", number: 1, atMs: 0, startMs: Date.now() }));
  await expect.poll(() => rig.framesIn(camera), patient).toBe(61);
  const incarnations = (await rig.timeline(camera)).map(({ entry }) => entry.incarnation);
  expect(incarnations.at(-1)).not.toBe(incarnations[0]);
});

test("a camera that was removed while nobody analysed is concluded by the next who does", async () => {
  await rig.register(camera, sceneRules());
  await rig.publishScene(camera, 60, 40);
  await expect.poll(() => rig.framesIn(camera), patient).toBe(60);
  await report({ state: CameraState.DOWN, reason: CameraReason.STALLED });
  await expect.poll(() => eventsOf(EventType.CAMERA_DOWN), patient).toHaveLength(1);
  await analysis.stop();
  await rig.buckets.cameras.delete(camera);
  await rig.analysis();
  await expect
    .poll(async () => (await rig.buckets.analysisState.get(camera))?.operation, patient)
    .toBe("DEL");
  const [start, end] = await eventsOf(EventType.CAMERA_DOWN);
  expect(end).toMatchObject({
    name: start!.name,
    phase: EventPhase.END,
    endReason: EndReason.CAMERA_REMOVED,
    message: "camera was removed",
  });
});

test.each([
  ["forward", 3_600_000],
  ["back", -3_600_000],
])("a camera whose clock is set %s keeps its objects", async (_, jumpMs) => {
  await rig.register(camera, sceneRules());
  await rig.publishScene(camera, 80, 40, (i) => (i < 40 ? 0 : jumpMs));
  const events = await analysedAsUninterrupted(rig, camera);
  const tracks = (await rig.timeline(camera)).flatMap(({ entry }) =>
    entry.entry?.$case === "frame" && [38, 42].includes(entry.entry.value.frame!.number)
      ? [entry.entry.value.detections.map(({ trackId }) => trackId)]
      : [],
  );
  expect(tracks[0]).not.toContain("");
  expect(tracks[1]).toEqual(tracks[0]);
  expect(events.filter(({ phase, frame }) => phase === EventPhase.END && frame && frame.number < 60)).toEqual(
    [],
  );
});

test("what cannot be analysed is counted and left out; a frame stored twice is one", async () => {
  await rig.register(camera, sceneRules());
  await rig.publishScene(camera, 20, 40);
  const { jetstream } = rig.nats;
  await jetstream.publish(subjects.detections(camera), new Uint8Array([255, 255]));
  const second = FrameDetections.decode(rig.published.get(camera)![1]!);
  const untimed = { ...second, frame: { ...second.frame!, number: 900, captureTime: undefined } };
  await jetstream.publish(subjects.detections(camera), FrameDetections.encode(untimed).finish());
  await jetstream.publish(subjects.detections(camera), FrameDetections.encode(second).finish());
  await rig.publishScene(camera, 20, 40);
  await analysedAsUninterrupted(rig, camera);
  expect(await analysis.metric("sightline_detections_invalid_total")).toBe(2);
});

test("a traced frame's trace goes along into the timeline", async () => {
  await rig.register(camera);
  const traced = headers();
  traced.set(traceHeader, `00-${"a".repeat(32)}-${"b".repeat(16)}-01`);
  const frame = sceneFrame({ camera, number: 1, atMs: 0, startMs: Date.now() });
  const data = FrameDetections.encode(frame).finish();
  await rig.nats.jetstream.publish(subjects.detections(camera), data, { headers: traced });
  await expect.poll(() => rig.framesIn(camera), patient).toBe(1);
  const { manager } = rig.nats;
  const stored = await manager.streams.getMessage(streams.timeline, {
    last_by_subj: subjects.timeline(camera),
  });
  expect(stored!.header.get(traceHeader)).toBe(traced.get(traceHeader));
});
