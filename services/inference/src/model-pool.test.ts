import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import {
  type CameraRecord,
  decodeJson,
  encodeJson,
  FrameDetections,
  parseFrameId,
  type ShadowMessage,
  servedModelSchema,
  shadowMessageSchema,
  streams,
  type WorkerInfo,
  workerInfoSchema,
} from "@sightline/contracts";
import { ensureStreams, openBuckets } from "@sightline/service";
import { liveEntries, NatsServer } from "@sightline/service/testing";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { FrameHolder, type HeldCamera } from "./testing/frame-holder.ts";
import { writeSmallModel } from "./testing/small-model.ts";
import { WorkerProcess } from "./testing/worker-process.ts";

let directory: string;
let server: NatsServer;
let connection: NatsConnection;
let manager: JetStreamManager;
let buckets: Record<"cameras" | "models" | "workers" | "modelShadows", KV>;
let holder: FrameHolder;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sightline-pool-"));
  await writeSmallModel(directory, "first");
  await writeSmallModel(directory, "second", { seed: 8 });
  await writeSmallModel(directory, "third", { seed: 9, side: 96 });
  await writeSmallModel(directory, "broken");
  truncateSync(join(directory, "broken", "model.fp32.onnx"), 1000);
  server = await NatsServer.start();
  connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  manager = await jetstreamManager(connection, { checkAPI: false });
  await ensureStreams(manager, { maxAgeSeconds: 3600, maxBytes: 64 * 1024 ** 2, replicas: 1 });
  buckets = await openBuckets(new Kvm(connection));
  holder = await FrameHolder.start(server.url);
});

afterEach(async () => {
  holder.pause();
  await Promise.all(workers.splice(0).map((worker) => worker.kill("SIGKILL")));
  for (const { options } of holder.cameras) await buckets.cameras.delete(options.id);
  await manager.streams.purge(streams.ready);
});

afterAll(async () => {
  await holder?.stop();
  await connection?.close();
  await server?.stop();
  rmSync(directory, { recursive: true });
});

async function worker(more: NodeJS.ProcessEnv = {}): Promise<WorkerProcess> {
  const started = await WorkerProcess.start({
    SIGHTLINE_NATS_URL: server.url,
    SIGHTLINE_MODEL_DIR: directory,
    SIGHTLINE_MODEL: "first",
    SIGHTLINE_MODELS: "all",
    SIGHTLINE_EXECUTION_PROVIDER: "cpu",
    SIGHTLINE_THREADS: "1",
    SIGHTLINE_MAX_AGE_MS: "60000",
    ...more,
  });
  workers.push(started);
  return started;
}

const until = (condition: () => boolean | Promise<boolean>) =>
  vi.waitUntil(condition, { timeout: 60_000, interval: 20 });

/** Registers a camera for a model, and holds its frames. */
async function add(id: string, model: string, fps = 0): Promise<HeldCamera> {
  const side = model === "third" ? 96 : 64;
  const record: CameraRecord = {
    ...{ uri: "rtsp://cam/x", transport: "auto", targetFps: 0, model, minScore: 0, classes: [] },
    ...{ hasCredentials: false, createTime: "2026-01-01T00:00:00Z", updateTime: "2026-01-01T00:00:00Z" },
  };
  await buckets.cameras.put(id, encodeJson(record));
  return holder.add({ id, model, width: side, height: side, value: 130 }, fps);
}

/** What the workers tell, by model. */
async function told(): Promise<Map<string, WorkerInfo>> {
  const found = new Map<string, WorkerInfo>();
  for (const entry of (await liveEntries(manager, buckets.workers)).values()) {
    const info = decodeJson(workerInfoSchema, entry.value);
    found.set(info.model, info);
  }
  return found;
}

/** Models that made a camera's frames in the stream; no frame is there twice. */
async function modelsOf(camera: HeldCamera): Promise<{ frames: number; models: Set<string> }> {
  const { state } = await (await manager.streams.get(streams.detections)).info();
  const stream = await manager.streams.get(streams.detections);
  const numbers = new Set<number>();
  const models = new Set<string>();
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await stream.getMessage({ seq });
    const id = parseFrameId(message!.header.get("Nats-Msg-Id"));
    if (id?.camera !== camera.options.id) continue;
    expect(numbers.has(id.number)).toBe(false);
    numbers.add(id.number);
    models.add(FrameDetections.decode(message!.data).inference!.model);
  }
  return { frames: numbers.size, models };
}

/** All that was handed out is answered for, and is in the stream once. */
async function expectExact(cameras: readonly HeldCamera[]): Promise<void> {
  holder.pause();
  await until(() => cameras.every(({ handed }) => handed.size === 0));
  for (const camera of cameras) {
    expect(camera.imbalance).toBe(0);
    expect(camera.dropped.size).toBe(0);
    await until(async () => (await modelsOf(camera)).frames === camera.inferred.size);
    expect([...(await modelsOf(camera)).models]).toEqual([camera.options.model]);
  }
}

const runs = (camera: HeldCamera, more: number) => {
  const before = camera.inferred.size;
  return until(() => camera.inferred.size >= before + more);
};

test("one process serves what cameras ask for, a model that is broken harms none, and one nobody asks for goes", async () => {
  const started = await worker({ SIGHTLINE_MODEL_IDLE_SECONDS: "0" });
  await until(async () => (await told()).get("first")?.loadable?.join() === "broken,second,third");
  const third = await buckets.models.get("third");
  expect(decodeJson(servedModelSchema, third!.value)).toMatchObject({
    width: 96,
    classes: expect.any(Array),
  });

  const cameras = [await add("one", "first", 10), await add("two", "second", 10)];
  const failing = await add("wrong", "broken", 1);
  await Promise.all(cameras.map((camera) => runs(camera, 5)));
  let info = new Map<string, WorkerInfo>();
  await until(async () => {
    info = await told();
    return info.get("first")?.unserved !== undefined;
  });
  expect(info.get("first")!.unserved).toEqual([
    { model: "broken", why: expect.stringMatching(/cannot be loaded: .*model\.fp32\.onnx/) },
  ]);
  expect(info.get("second")).toMatchObject({ precision: "fp32", executionProvider: "cpu" });
  // What is announced no more is gone from the bucket when its time is up.
  await until(async () => (await buckets.models.get("broken"))?.operation !== "PUT");
  expect(failing.inferred.size).toBe(0);
  let metrics = await started.metrics();
  expect(metrics).toMatch(/^sightline_inference_frames_total\{model="second",camera="two"\} [1-9]/m);
  expect(metrics).toMatch(/^sightline_inference_session_up\{model="second"\} 1$/m);
  expect(metrics).toMatch(/^sightline_inference_model_memory_bytes\{model="second"\} [1-9]/m);
  expect(metrics).toMatch(/^sightline_inference_model_loadable\{model="broken"\} 0$/m);
  expect(metrics).toMatch(/^sightline_inference_model_loads_total\{model="broken",outcome="failed"\} [1-9]/m);

  await expectExact(cameras);
  await buckets.cameras.delete("two");
  await until(async () => (await told()).get("first")?.loadable?.includes("second") === true);
  expect((await told()).has("second")).toBe(false);
  metrics = await started.metrics();
  expect(metrics).not.toMatch(/^sightline_inference_session_up\{model="second"\}/m);
  expect(metrics).toMatch(/^sightline_inference_model_unloads_total\{model="second",reason="unused"\} 1$/m);
  await runs(await add("again", "second", 10), 3);
});

test("a worker that is killed takes up all that cameras ask for when it starts again, and every frame is accounted for", async () => {
  const doomed = await worker({ SIGHTLINE_MODELS: "second,secnd" });
  await until(() => /"model":"secnd".*cannot be served/.test(doomed.log));
  const cameras = [await add("k-one", "first", 10), await add("k-two", "second", 10)];
  await Promise.all(cameras.map((camera) => runs(camera, 3)));
  await doomed.kill("SIGKILL");
  workers.splice(0);
  const held = cameras.map(({ handed }) => new Set(handed.keys()));
  await worker();
  await Promise.all(cameras.map((camera) => runs(camera, 3)));
  holder.pause();
  // What the dead worker had is ingest's to give up; all else has been answered for.
  await until(() => cameras.every(({ handed }, i) => [...handed.keys()].every((n) => held[i]!.has(n))));
  for (const camera of cameras) {
    expect(camera.imbalance).toBe(0);
    await until(async () => (await modelsOf(camera)).frames === camera.inferred.size);
  }
});

test("where there is no room, a model that frames wait for takes that of one not in use, and else it is said", async () => {
  const started = await worker({ SIGHTLINE_MODEL_MEMORY_MB: await roomForTwo() });
  const one = await add("m-one", "first", 10);
  const two = await add("m-two", "second", 10);
  await Promise.all([one, two].map((camera) => runs(camera, 3)));
  const three = await add("m-three", "third", 10);
  await until(async () => (await told()).get("first")?.unserved !== undefined);
  expect((await told()).get("first")!.unserved).toEqual([
    { model: "third", why: expect.stringMatching(/needs about \d+ MiB.*are free; loaded: first .*second/) },
  ]);
  await Promise.all([one, two].map((camera) => runs(camera, 3)));
  expect(three.inferred.size).toBe(0);
  // The second one's camera falls silent, but stays.
  holder.pause();
  await until(() => two.handed.size === 0 && two.waiting === undefined);
  await until(() => {
    if (!three.waiting) holder.capture(three);
    return three.inferred.size > 0;
  });
  await until(async () => !(await told()).has("second") && (await told()).has("third"));
  expect((await told()).get("first")!.unserved).toBeUndefined();
  const metrics = await started.metrics();
  expect(metrics).toMatch(/^sightline_inference_model_unloads_total\{model="second",reason="room"\} 1$/m);
  await expectExact([one, two, three]);
});

test("a shadow runs a share of a camera's frames by another model, and the camera's results are as without it", async () => {
  const heard: ShadowMessage[] = [];
  const subscription = connection.subscribe("shadows.abcabcabcabc", {
    callback: (_, { data }) => void heard.push(decodeJson(shadowMessageSchema, data)),
  });
  const started = await worker();
  const camera = await add("shadowed", "first", 10);
  await runs(camera, 3);
  const shadow = { camera: "shadowed", share: 0.5, startTime: new Date().toISOString() };
  await buckets.modelShadows.put("abcabcabcabc", encodeJson({ ...shadow, model: "second" }));
  // What the shadow before has told may still be on its way.
  const frames = (model: string) =>
    heard.filter((message) => message.kind === "frame").filter(({ shadow: other }) => other.model === model);
  await until(() => frames("second").length >= 5);
  const sides = frames("second").map(({ camera: { model }, shadow: other }) => [model, other.model]);
  expect(new Set(sides.map(String))).toEqual(new Set(["first,second"]));
  for (const { frame, classes } of frames("second")) {
    const counted = Object.values(classes).reduce(
      (sum, { both, gained, lost }) => sum + both + gained + lost,
      0,
    );
    expect(counted).toBeGreaterThan(0);
    expect(frame.boxes).toHaveLength(Math.min(counted, 60));
    expect(frame.difference).toBeGreaterThan(0);
  }
  expect((await told()).has("second")).toBe(false);

  // The same model, named once more: what both find is the same.
  await buckets.modelShadows.delete("abcabcabcabc");
  heard.splice(0);
  await buckets.modelShadows.put("abcabcabcabc", encodeJson({ ...shadow, share: 1, model: "first" }));
  await until(() => frames("first").length >= 5);
  for (const { frame, shadowMs, cameraMs } of frames("first")) {
    expect(frame.difference).toBe(0);
    expect(Math.min(shadowMs, cameraMs)).toBeGreaterThan(0);
  }
  const metrics = await started.metrics();
  expect(metrics).toMatch(
    /^sightline_inference_shadow_boxes_total\{camera="shadowed",model="first",watch="drift",found="both"\} [1-9]/m,
  );

  // What cannot be run is told, and harms nothing.
  await buckets.modelShadows.delete("abcabcabcabc");
  heard.splice(0);
  await buckets.modelShadows.put("abcabcabcabc", encodeJson({ ...shadow, model: "third" }));
  await until(() => heard.some((message) => message.kind === "state" && message.state === "failed"));
  expect(heard.at(-1)).toMatchObject({ message: expect.stringContaining("it takes frames of 96x96") });
  await runs(camera, 3);
  await buckets.modelShadows.delete("abcabcabcabc");
  subscription.unsubscribe();
  await expectExact([camera]);
});

test("a shadow's model goes first when the memory is needed, and one that has no room is not loaded", async () => {
  const started = await worker({ SIGHTLINE_MODEL_MEMORY_MB: await roomForTwo() });
  const camera = await add("n-one", "first", 10);
  const shadow = { camera: "n-one", share: 1, startTime: new Date().toISOString(), model: "first" };
  await buckets.modelShadows.put("abcabcabcabc", encodeJson(shadow));
  const compared =
    /^sightline_inference_shadow_frames_total\{camera="n-one",model="first",outcome="compared"\} [1-9]/m;
  await until(async () => compared.test(await started.metrics()));
  const another = await add("n-two", "second", 10);
  await runs(another, 3);
  expect(started.log).toMatch(/the memory is needed for model second/);
  await runs(camera, 3);
  await buckets.modelShadows.delete("abcabcabcabc");
  await expectExact([camera, another]);
});

/** MiB in which two of the models have room, and three have not: by what a worker that has two says. */
async function roomForTwo(): Promise<string> {
  const started = await worker();
  await add("measured", "second");
  let found: number[] = [];
  await until(async () => {
    const lines = (await started.metrics()).matchAll(
      /^sightline_inference_model_memory_bytes\{.*\} (\d+)$/gm,
    );
    found = [...lines].map(([, bytes]) => Number(bytes));
    return found.length === 2;
  });
  await buckets.cameras.delete("measured");
  await started.kill("SIGTERM");
  workers.splice(0);
  return String(Math.ceil((found[0]! + found[1]!) / 1024 ** 2) + 12);
}
