import { setTimeout as delay } from "node:timers/promises";
import { encodeJson, type HttpSystem, type ServedModel, type WorkerInfo } from "@sightline/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CheckedApi } from "../../testing/api-document.ts";
import { RunningResults } from "../../testing/running-results.ts";

let results: RunningResults;
let api: CheckedApi;
beforeAll(async () => {
  results = await RunningResults.start();
  api = await CheckedApi.open(results.addresses.http);
});
afterAll(() => results.stop());

const front = { params: { camera: "front" } };

test("the system: NATS, workers, models, streams and findings", async () => {
  const system = async () => (await api.call("get", "/system")).body as HttpSystem;
  expect(await system()).toMatchObject({
    nats: { connected: true, version: expect.stringMatching(/^\d+\./) },
    findings: [{ level: "ok", text: "There are no cameras yet." }],
  });
  await api.call("post", "/cameras", { body: { id: "front", uri: "rtsp://cam/x" } });
  expect((await system()).findings[0]).toMatchObject({
    level: "error",
    text: expect.stringContaining("model"),
  });
  const model: ServedModel = {
    name: "yolo-nas-pedestrians",
    architecture: "yolo_nas_s",
    width: 640,
    height: 640,
    longestSide: 636,
    padValue: 114,
    classes: ["person"],
  };
  const worker: WorkerInfo = {
    id: "w1",
    host: "h",
    model: model.name,
    modelDigest: "0123456789ab",
    precision: "int8",
    executionProvider: "cpu",
    batchSize: 2,
    batchCurve: [{ batch: 1, milliseconds: 20 }],
    startTime: new Date().toISOString(),
    utilization: 0.5,
    framesPerSecond: 10,
    meanBatchSize: 1.5,
  };
  await results.buckets.models.put(model.name, encodeJson(model));
  await results.buckets.workers.put("w1", encodeJson(worker));
  await expect.poll(async () => (await system()).workers).toEqual([worker]);
  const now = await system();
  expect(now.models).toMatchObject([{ name: model.name, isDefault: true, accuracy: null }]);
  expect(now.streams.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["DETECTIONS", "EVENTS", "READY", "TIMELINE"]),
  );
  expect(now.streams.find(({ name }) => name === "EVENTS")).toMatchObject({
    messages: 0,
    maxBytes: 1024 ** 3,
    maxAgeSeconds: 30 * 24 * 3600,
    oldestTime: null,
  });
  expect(now.streams.find(({ name }) => name === "READY")).toMatchObject({ maxBytes: 0, maxAgeSeconds: 0 });
  await api.call("delete", "/cameras/{camera}", front);
});

test("while NATS hangs the system is told all the same, with the streams as they were", async () => {
  const system = async () => (await api.call("get", "/system")).body as HttpSystem;
  const { streams } = await system();
  expect(streams.length).toBeGreaterThan(3);
  process.kill(results.server.pid!, "SIGSTOP");
  try {
    // Beyond the time for which one answer of NATS is shared.
    for (const end = performance.now() + 2_500; performance.now() < end; await delay(50))
      expect((await system()).streams.map(({ name }) => name)).toEqual(streams.map(({ name }) => name));
  } finally {
    process.kill(results.server.pid!, "SIGCONT");
  }
});
