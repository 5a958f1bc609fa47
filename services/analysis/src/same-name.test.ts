import {
  type CameraRecord,
  EndReason,
  EventPhase,
  EventType,
  encodeJson,
  toTimestamp,
} from "@sightline/contracts";
import { sampleCamera } from "@sightline/service/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AnalysisRig } from "./testing/analysis-rig.ts";
import { sceneFrame, sceneRules } from "./testing/scene.ts";

const camera = "front";
const patient = { timeout: 60_000, interval: 30 };

let rig: AnalysisRig;
beforeEach(async () => {
  rig = await AnalysisRig.start();
});
afterEach(() => rig.stop());

const register = (record: CameraRecord) => rig.buckets.cameras.put(camera, encodeJson(record));

/** A camera of this name that was registered `agoMs` ago. */
function cameraOf(agoMs: number): CameraRecord {
  const time = new Date(Date.now() - agoMs).toISOString();
  return { ...sampleCamera(), createTime: time, updateTime: time };
}

/** A frame of the camera that the record is of. */
function frameOf({ createTime }: CameraRecord, epoch: string, number: number) {
  const frame = sceneFrame({ camera, epoch, number, atMs: 600 + number * 40, startMs: Date.now() });
  frame.frame!.cameraCreateTime = toTimestamp(Date.parse(createTime));
  return frame;
}

const frames = async () =>
  (await rig.timeline(camera)).flatMap(({ entry: { entry, incarnation } }) =>
    entry?.$case === "frame"
      ? [{ frame: `${entry.value.frame!.epoch}:${entry.value.frame!.number}`, incarnation }]
      : [],
  );

test.each([
  ["a camera that is registered later", 10_000, 0],
  ["one that is registered by a clock that was set back", 0, 10_000],
])("what a worker still had of a removed camera is not told of %s by its name", async (_, ago, againAgo) => {
  await rig.analysis();
  const first = cameraOf(ago);
  await register(first);
  await rig.publish(frameOf(first, "e1", 1));
  await expect.poll(frames, patient).toHaveLength(1);
  await rig.buckets.cameras.delete(camera);
  const state = async () => (await rig.buckets.analysisState.get(camera))?.operation;
  await expect.poll(state, patient).toBe("DEL");
  await rig.publish(frameOf(first, "e1", 2));
  const second = cameraOf(againAgo);
  await register(second);
  await rig.publish(frameOf(second, "e2", 1));
  await expect.poll(frames, patient).toHaveLength(2);
  expect((await frames()).map(({ frame }) => frame)).toEqual(["e1:1", "e2:1"]);
});

test("a camera that is removed and registered again at once is another: what was open is ended, and its frames are its own", async () => {
  const [one, two] = [await rig.analysis(), await rig.analysis()];
  const first = cameraOf(10_000);
  await rig.register(camera, sceneRules());
  await register(first);
  for (let number = 1; number <= 10; number++) await rig.publish(frameOf(first, "e1", number));
  await expect.poll(frames, patient).toHaveLength(10);
  const second = cameraOf(0);
  // As the mirrors of a busy process see it: the one record, and then the other.
  await register(second);
  for (let number = 1; number <= 10; number++) await rig.publish(frameOf(second, "e2", number));
  await expect.poll(frames, patient).toHaveLength(20);
  const told = await frames();
  expect(told.map(({ frame }) => frame.slice(0, 2))).toEqual([
    ...Array(10).fill("e1"),
    ...Array(10).fill("e2"),
  ]);
  expect(new Set(told.map(({ incarnation }) => incarnation)).size).toBe(2);
  const appeared = (await rig.events(camera))
    .map(({ event }) => event)
    .filter(({ type }) => type === EventType.APPEARED);
  const ended = appeared.filter(({ phase }) => phase === EventPhase.END);
  expect(ended.length).toBeGreaterThan(0);
  for (const { endReason } of ended) expect(endReason).toBe(EndReason.CAMERA_REMOVED);
  const cameras = async () =>
    ((await one.metric("sightline_analysis_cameras")) ?? 0) +
    ((await two.metric("sightline_analysis_cameras")) ?? 0);
  expect(await cameras()).toBe(1);
});
