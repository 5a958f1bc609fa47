import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import {
  CameraRules,
  EventType,
  encodeJson,
  MaskMode,
  type ServedModel,
  streams,
  TimelineEntry,
} from "@sightline/contracts";
import { RulesServiceClient } from "@sightline/contracts/api";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { RunningResults } from "../testing/running-results.ts";

let results: RunningResults;
let client: RulesServiceClient;
beforeAll(async () => {
  results = await RunningResults.start();
  client = new RulesServiceClient(results.addresses.grpc, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await results.stop();
});
beforeEach(async () => {
  await results.client.cameras.register("front", { uri: "rtsp://cam/x" });
});
afterEach(() => results.client.cameras.delete("front").catch(() => undefined));

const name = "cameras/front/rules";

function get(of = name): Promise<CameraRules> {
  return new Promise((resolve, reject) =>
    client.getCameraRules({ name: of }, (error, answer) => (error ? reject(error) : resolve(answer.rules!))),
  );
}

function update(rules: Parameters<typeof CameraRules.fromPartial>[0]): Promise<CameraRules> {
  const given = CameraRules.fromPartial({ name, ...rules });
  return new Promise((resolve, reject) =>
    client.updateCameraRules({ rules: given }, (error, answer) =>
      error ? reject(error) : resolve(answer.rules!),
    ),
  );
}

async function refusal(call: Promise<unknown>) {
  const error = (await call.then(
    () => expect.unreachable("it was not refused"),
    (caught: unknown) => caught,
  )) as ServiceError;
  return { status: error.code, code: error.metadata.get("sightline-error")[0], message: error.details };
}

const triangle = [
  { x: 0, y: 0 },
  { x: 1, y: 0 },
  { x: 1, y: 1 },
];
const door = {
  zones: [{ name: "door", polygon: triangle }],
  masks: [{ mode: MaskMode.EXCLUDE, polygon: triangle }],
  rules: [{ type: EventType.ENTERED_ZONE, zone: "door" }],
};

test("none at first; what is written is read, with a name for each rule", async () => {
  const none = await get();
  expect(none).toMatchObject({ name, zones: [], rules: [], etag: "0", updateTime: undefined });
  const written = await update(door);
  expect(written).toMatchObject({
    name,
    zones: door.zones,
    masks: door.masks,
    rules: [{ name: "entered_zone-door", type: EventType.ENTERED_ZONE, zone: "door" }],
  });
  expect(written.updateTime?.seconds).toBeGreaterThan(1_700_000_000);
  expect(await get()).toEqual(written);
  const stored = CameraRules.decode((await results.buckets.cameraRules.get("front"))!.value);
  expect(stored).toEqual({ ...written, name: "", etag: "" });
});

test("an etag makes the update conditional: on the newest, and on there being none", async () => {
  const first = await update({ ...door, etag: "0" });
  expect(await refusal(update({ ...door, etag: "0" }))).toMatchObject({
    status: status.ABORTED,
    code: "etag_mismatch",
  });
  const second = await update({ ...door, etag: first.etag });
  expect(second.etag).not.toBe(first.etag);
  expect(await refusal(update({ etag: first.etag }))).toMatchObject({ code: "etag_mismatch" });
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => update({ ...door, etag: second.etag })));
  expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
  expect(await update({})).toMatchObject({ zones: [], rules: [] });
});

test("faults are told all at once, classes by name while the model is served", async () => {
  const model: ServedModel = {
    name: "yolo-nas-pedestrians",
    architecture: "yolo_nas_s",
    width: 640,
    height: 640,
    longestSide: 636,
    padValue: 114,
    classes: ["person"],
  };
  const rules = [{ type: EventType.ENTERED_ZONE, zone: "gate", classes: ["unicorn"] }];
  const before = await refusal(update({ rules }));
  expect(before).toMatchObject({ status: status.INVALID_ARGUMENT, code: "rules_invalid" });
  expect(before.message).toContain("gate");
  await results.buckets.models.put(model.name, encodeJson(model));
  await expect.poll(async () => (await refusal(update({ rules }))).message).toMatch(/gate[\s\S]*unicorn/);
  expect(await refusal(update({ name: "cameras/front" }))).toMatchObject({ code: "invalid_argument" });
  expect(await refusal(get("cameras/nobody/rules"))).toMatchObject({ code: "camera_not_found" });
  expect(await refusal(update({ name: "cameras/nobody/rules" }))).toMatchObject({ code: "camera_not_found" });
});

test("rules go with their camera, and a new camera of its name has none", async () => {
  await update(door);
  await results.client.cameras.delete("front");
  expect(await refusal(get())).toMatchObject({ status: status.NOT_FOUND, code: "camera_not_found" });
  await results.client.cameras.register("front", { uri: "rtsp://cam/x" });
  expect(await get()).toMatchObject({ zones: [], etag: "0" });
  await expect.poll(async () => (await results.buckets.cameraRules.get("front"))?.operation).toBe("DEL");
  expect((await update({ ...door, etag: "0" })).zones).toHaveLength(1);
});

test("the analysis of the camera goes by the new rules", async () => {
  await update(door);
  const consumer = await results.nats.jetstream.consumers.get(streams.timeline);
  const messages = await consumer.consume();
  for await (const message of messages) {
    const { entry } = TimelineEntry.decode(message.data);
    if (entry?.$case === "rules" && entry.value.rules?.zones[0]?.name === "door") break;
  }
});

test("attributes are checked against what the camera's second stages tell", async () => {
  const worker = {
    ...{ id: "w1", host: "h", model: "yolo-nas-pedestrians", modelDigest: "", precision: "fp32" },
    ...{ executionProvider: "cpu", batchSize: 1, batchCurve: [], startTime: new Date().toISOString() },
    ...{ utilization: 0, framesPerSecond: 0, meanBatchSize: 0 },
    secondStages: [
      {
        ...{ model: "colours", version: "0123456789ab", loaded: true },
        attributes: [{ name: "colour", values: ["red", "blue"] }],
      },
    ],
  };
  const red = (values: string[]) =>
    update({ rules: [{ type: EventType.APPEARED, attributes: [{ name: "colour", values }] }] });
  expect((await refusal(red(["red"]))).message).toContain("no second stage that tells");
  await results.buckets.workers.put("w1", encodeJson(worker));
  await expect
    .poll(() =>
      results.client.cameras.update("front", { secondStages: [{ model: "colours" }] }).then(
        ({ secondStages }) => secondStages,
        () => [],
      ),
    )
    .toEqual([{ model: "colours", classes: [] }]);
  expect((await refusal(red(["pink"]))).message).toContain("it is one of: red, blue");
  expect((await red(["red"])).rules[0]!.attributes).toEqual([{ name: "colour", values: ["red"] }]);
  await results.buckets.workers.delete("w1");
});
