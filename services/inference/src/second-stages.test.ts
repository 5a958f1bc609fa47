import { mkdtempSync, rmSync } from "node:fs";
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
  streams,
  type WorkerSecondStage,
  workerInfoSchema,
} from "@sightline/contracts";
import { ensureStreams, openBuckets } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { FrameHolder, type HeldCamera } from "./testing/frame-holder.ts";
import { writeSmallClassifier } from "./testing/small-classifier.ts";
import { smallModelClasses, writeSmallModel } from "./testing/small-model.ts";
import { WorkerProcess } from "./testing/worker-process.ts";

let directory: string;
let server: NatsServer;
let connection: NatsConnection;
let manager: JetStreamManager;
let buckets: Record<"cameras" | "workers", KV>;
let holder: FrameHolder;
let worker: WorkerProcess | undefined;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sightline-second-stages-"));
  await writeSmallModel(directory, "finder");
  await writeSmallClassifier(directory, "light");
  await writeSmallClassifier(directory, "broken", { broken: true });
  server = await NatsServer.start();
  connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  manager = await jetstreamManager(connection, { checkAPI: false });
  await ensureStreams(manager, { maxAgeSeconds: 3600, maxBytes: 64 * 1024 ** 2, replicas: 1 });
  buckets = await openBuckets(new Kvm(connection));
  holder = await FrameHolder.start(server.url);
});

afterEach(async () => {
  holder.pause();
  await worker?.kill("SIGKILL");
  for (const { options } of holder.cameras) await buckets.cameras.delete(options.id);
  await manager.streams.purge(streams.ready);
});

afterAll(async () => {
  await holder?.stop();
  await connection?.close();
  await server?.stop();
  rmSync(directory, { recursive: true });
});

async function start(more: NodeJS.ProcessEnv = {}): Promise<WorkerProcess> {
  worker = await WorkerProcess.start({
    SIGHTLINE_NATS_URL: server.url,
    SIGHTLINE_MODEL_DIR: directory,
    SIGHTLINE_MODEL: "finder",
    SIGHTLINE_EXECUTION_PROVIDER: "cpu",
    SIGHTLINE_THREADS: "1",
    SIGHTLINE_MAX_AGE_MS: "60000",
    ...more,
  });
  return worker;
}

const until = (condition: () => boolean | Promise<boolean>) =>
  vi.waitUntil(condition, { timeout: 60_000, interval: 20 });

/** Registers a camera whose pictures are all of one brightness, and holds its frames. */
async function add(id: string, secondStages: CameraRecord["secondStages"], value = 230): Promise<HeldCamera> {
  const record: CameraRecord = {
    ...{ uri: "rtsp://cam/x", transport: "auto", targetFps: 0, model: "finder", minScore: 0, classes: [] },
    ...{ hasCredentials: false, createTime: "2026-01-01T00:00:00Z", updateTime: "2026-01-01T00:00:00Z" },
    ...(secondStages && { secondStages }),
  };
  await buckets.cameras.put(id, encodeJson(record));
  return holder.add({ id, model: "finder", width: 64, height: 64, value }, 10);
}

/** A camera's frames in the stream. */
async function framesOf({ options }: HeldCamera): Promise<FrameDetections[]> {
  const stream = await manager.streams.get(streams.detections);
  const { state } = await stream.info();
  const frames: FrameDetections[] = [];
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq++) {
    const message = await stream.getMessage({ seq });
    if (parseFrameId(message!.header.get("Nats-Msg-Id"))?.camera === options.id)
      frames.push(FrameDetections.decode(message!.data));
  }
  return frames;
}

/** Every frame that was handed out is in the stream. */
async function expectExact(camera: HeldCamera): Promise<void> {
  await until(() => camera.handed.size === 0 && camera.waiting === undefined);
  expect([camera.imbalance, camera.dropped.size]).toEqual([0, 0]);
  await until(async () => (await framesOf(camera)).length === camera.inferred.size);
}

async function told(): Promise<WorkerSecondStage[]> {
  const { state } = await manager.streams.info("KV_workers", { subjects_filter: ">" });
  for (const subject of Object.keys(state.subjects ?? {})) {
    const entry = await buckets.workers.get(subject.slice("$KV.workers.".length));
    if (entry?.operation !== "PUT") continue;
    const { secondStages } = decodeJson(workerInfoSchema, entry.value);
    if (secondStages) return secondStages;
  }
  return [];
}

const readings = (frames: readonly FrameDetections[]) =>
  frames.flatMap(({ detections }) =>
    detections.flatMap(({ className, attributeReadings }) =>
      attributeReadings.map(({ name, values }) => `${className} ${name} ${values[0]!.value}`),
    ),
  );

test("a second stage looks at what a camera's model has found, of the classes asked for, and at no other camera's", async () => {
  const started = await start();
  const [person, car] = smallModelClasses as [string, string];
  const light = await add("bright", [{ model: "light", classes: [] }]);
  const dark = await add("dark", [{ model: "light", classes: [person] }], 10);
  const other = await add("other", undefined);
  // Loaded with the first frame that asks for it; those before go without.
  await until(
    async () => readings(await framesOf(light)).length > 20 && readings(await framesOf(dark)).length > 0,
  );
  holder.pause();
  for (const camera of [light, dark, other]) await expectExact(camera);
  const [ofLight, ofDark] = [readings(await framesOf(light)), readings(await framesOf(dark))];
  expect(new Set(ofLight.map((text) => text.replace(/^\w+ /, "")))).toEqual(new Set(["light bright"]));
  expect(new Set(ofDark)).toEqual(new Set([`${person} light dark`]));
  expect(ofLight.some((text) => text.startsWith(car))).toBe(true);
  expect(readings(await framesOf(other))).toEqual([]);
  for (const { detections } of await framesOf(light))
    expect(
      detections.filter(({ attributeReadings }) => attributeReadings.length > 0).length,
    ).toBeLessThanOrEqual(16);
  expect(await told()).toEqual([
    expect.objectContaining({ model: "broken", loaded: false }),
    expect.objectContaining({
      ...{ model: "light", loaded: true },
      attributes: [{ name: "light", values: ["dark", "bright"] }],
    }),
  ]);
  const metrics = await started.metrics();
  expect(metrics).toMatch(/second_stage_frames_total\{model="light",outcome="read"\} [1-9]/);
  expect(metrics).toMatch(/second_stage_objects_total\{model="light",outcome="left_out"\} [1-9]/);
});

test("one that cannot be loaded, or is not there, is told, and frames go on without it", async () => {
  const started = await start();
  const camera = await add("plain", [
    { model: "broken", classes: [] },
    { model: "missing", classes: [] },
  ]);
  await until(async () => (await told()).some(({ fault }) => fault !== undefined));
  expect((await told()).find(({ model }) => model === "broken")?.fault).toMatch(
    /no classifier with these attributes/,
  );
  const before = camera.inferred.size;
  await until(() => camera.inferred.size >= before + 5);
  holder.pause();
  await expectExact(camera);
  expect(readings(await framesOf(camera))).toEqual([]);
  const metrics = await started.metrics();
  for (const model of ["broken", "missing"])
    expect(metrics).toMatch(
      new RegExp(`second_stage_frames_total\\{model="${model}",outcome="absent"\\} [1-9]`),
    );
});

test("it is loaded within the worker's memory, and frees it when no camera asks for it any more", async () => {
  const started = await start({ SIGHTLINE_MODEL_IDLE_SECONDS: "0" });
  const camera = await add("last", [{ model: "light", classes: [] }]);
  await until(async () => (await told()).some(({ loaded }) => loaded));
  await until(async () => readings(await framesOf(camera)).length > 0);
  holder.pause();
  await expectExact(camera);
  await buckets.cameras.delete("last");
  await until(async () => (await told()).every(({ loaded }) => !loaded));
  await started.kill("SIGTERM");
  await start({ SIGHTLINE_MODEL_MEMORY_MB: "1" });
  await add("first", [{ model: "light", classes: [] }]);
  await until(async () =>
    (await told()).some(({ fault }) =>
      /needs about \d+ MiB, but only 0 MiB of SIGHTLINE_MODEL_MEMORY_MB are free/.test(fault ?? ""),
    ),
  );
});
