import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import {
  buckets,
  type CameraRecord,
  DropReason,
  decodeJson,
  encodeJson,
  FrameDetections,
  PixelFormat,
  readyConsumer,
  servedModelSchema,
  streams,
  subjects,
  workerInfoSchema,
} from "@sightline/contracts";
import { FrameArena } from "@sightline/frame-arena";
import { ConnectionChanges, createLogger, ensureStreams, openBuckets } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { FrameHolder, type HeldCamera } from "./testing/frame-holder.ts";
import { smallModelClasses, writeSmallModel } from "./testing/small-model.ts";
import { WorkerProcess } from "./testing/worker-process.ts";
import { TokenSource } from "./token-source.ts";

const model = "small";
const size = { width: 64, height: 64, model };
let directory: string;
let server: NatsServer;
let connection: NatsConnection;
let manager: JetStreamManager;
let holder: FrameHolder;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sightline-inference-"));
  await writeSmallModel(directory, model);
  await writeSmallModel(directory, "overflowing", { overflows: true });
  server = await NatsServer.start();
  connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  manager = await jetstreamManager(connection, { checkAPI: false });
  await ensureStreams(manager, { maxAgeSeconds: 3600, maxBytes: 64 * 1024 ** 2, replicas: 1 });
  await openBuckets(new Kvm(connection));
  holder = await FrameHolder.start(server.url);
});

afterEach(async () => {
  await holder.arena?.stop();
  holder.arena = undefined;
  holder.onHanded = () => undefined;
  holder.onRequest = () => true;
  holder.pause();
  await Promise.all(workers.splice(0).map((worker) => worker.kill("SIGKILL")));
  await manager.streams.purge(streams.ready);
});

afterAll(async () => {
  await holder?.stop();
  await connection?.close();
  await server?.stop();
  rmSync(directory, { recursive: true });
});

const env = (more: NodeJS.ProcessEnv = {}) => ({
  SIGHTLINE_NATS_URL: server.url,
  SIGHTLINE_MODEL_DIR: directory,
  SIGHTLINE_MODEL: model,
  SIGHTLINE_PRECISION: "fp32",
  SIGHTLINE_EXECUTION_PROVIDER: "cpu",
  SIGHTLINE_THREADS: "1",
  // However long a busy machine keeps a frame waiting, it is inferred.
  SIGHTLINE_MAX_AGE_MS: "60000",
  ...more,
});

async function worker(more: NodeJS.ProcessEnv = {}, through: readonly string[] = []): Promise<WorkerProcess> {
  const started = await WorkerProcess.spawn(env(more), through);
  // Before it is ready, so that one that never is does not take the next test's work.
  workers.push(started);
  await started.ready();
  return started;
}

const until = (condition: () => boolean | Promise<boolean>) =>
  vi.waitUntil(condition, { timeout: 60_000, interval: 20 });

/** All results of a camera in the stream, in order, with their message ids; those that were heard may come to it later. */
async function stored(camera: HeldCamera): Promise<{ id: string; result: FrameDetections }[]> {
  const stream = await manager.streams.get(streams.detections);
  const { state } = await stream.info();
  const results: { id: string; result: FrameDetections }[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await stream.getMessage({ seq });
    if (message?.subject === subjects.detections(camera.options.id))
      results.push({ id: message.header.get("Nats-Msg-Id"), result: FrameDetections.decode(message.data) });
  }
  return results;
}

/** The same when all that was heard is in the stream. */
async function storedAll(camera: HeldCamera): ReturnType<typeof stored> {
  let results: Awaited<ReturnType<typeof stored>> = [];
  await until(async () => {
    results = await stored(camera);
    return results.length >= camera.inferred.size;
  });
  return results;
}

const consumer = () => manager.consumers.info(streams.ready, readyConsumer(model).durable_name);

test("ONNX Runtime's telemetry is off: no device id, no store of events to send", async () => {
  const home = join(directory, "home");
  mkdirSync(home);
  const started = await worker({ HOME: home, TMPDIR: home });
  await started.kill("SIGTERM");
  expect(readdirSync(home, { recursive: true })).toEqual([]);
});

test("results arrive once each, under their frames' ids, with what the contract promises", async () => {
  const started = await worker();
  const camera = holder.add({ ...size, id: "plain", value: 130 });
  for (let i = 1; i <= 5; i++) {
    holder.capture(camera);
    await until(() => camera.inferred.size === i);
  }
  const results = await storedAll(camera);
  expect(results.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5].map((n) => `plain:${camera.epoch}:${n}`));
  const { frame, detections, timings, inference } = results[0]!.result;
  expect(frame).toMatchObject({ camera: "cameras/plain", number: 1, sourceWidth: 128, sourceHeight: 64 });
  expect(detections.length).toBeGreaterThan(0);
  for (const { className, pixelBox: pixel, normalizedBox: share } of detections) {
    expect(smallModelClasses).toContain(className);
    expect(pixel!.xMin).toBeGreaterThanOrEqual(0);
    expect(pixel!.xMax).toBeLessThanOrEqual(128);
    expect(pixel!.yMax).toBeLessThanOrEqual(64);
    expect(share!.xMax).toBeCloseTo(pixel!.xMax / 128, 5);
    expect(share!.yMin).toBeCloseTo(pixel!.yMin / 64, 5);
  }
  expect(timings!.inferUs).toBeGreaterThan(0);
  expect(inference).toMatchObject({ model, precision: "fp32", executionProvider: "cpu", batchSize: 1 });
  await until(async () => (await consumer()).num_ack_pending === 0);

  const kv = new Kvm(connection);
  const served = await (await kv.open(buckets.models)).get(model);
  expect(decodeJson(servedModelSchema, served!.value)).toMatchObject({
    width: 64,
    height: 64,
    padValue: 114,
  });
  const info = await (await kv.open(buckets.workers)).get(inference!.worker);
  expect(decodeJson(workerInfoSchema, info!.value)).toMatchObject({ model, executionProvider: "cpu" });
  const metrics = await started.metrics();
  expect(metrics).toMatch(/^sightline_inference_frames_total\{model="small",camera="plain"\} 5$/m);
  expect(metrics).toMatch(/^sightline_inference_info\{.*execution_provider="cpu".*\} 1$/m);
});

test("frames of the same host come by handles and give the same boxes; one that is torn is a counted miss", async () => {
  const started = await worker();
  const camera = holder.add({ ...size, id: "shared", value: 130 });
  const arena = new FrameArena("/dev/shm");
  holder.arena = arena;
  for (let i = 1; i <= 4; i++) {
    holder.capture(camera);
    await until(() => camera.inferred.size === i);
  }
  expect(arena.usedBytes).toBe(0);
  const [asBytes, ...byHandle] = (await storedAll(camera)).map(({ result }) => result.detections);
  for (const detections of byHandle) expect(detections).toEqual(asBytes);
  // The memory is used again before the worker has read it, as when it was too slow to answer.
  holder.onHanded = (handle) => handle && arena.free(handle);
  holder.capture(camera);
  await until(() => camera.dropped.get(5) === DropReason.WORKER_ERROR);
  holder.onHanded = () => undefined;
  holder.capture(camera);
  await until(() => camera.inferred.has(6));
  const metrics = await started.metrics();
  expect(metrics).toMatch(/^sightline_inference_frames_received_total\{as="bytes"\} 1$/m);
  expect(metrics).toMatch(/^sightline_inference_frames_received_total\{as="handle"\} 5$/m);
  expect(metrics).toMatch(/^sightline_inference_frames_unread_total\{reason="torn"\} 1$/m);
});

test("a session that reads I420 asks for it, and finds the same in frames of an ingest that has only gbrp", async () => {
  await worker({ SIGHTLINE_FRAME_FORMAT: "i420" });
  const kv = new Kvm(connection);
  const infos = await kv.open(buckets.workers);
  const said = await Promise.all((await Array.fromAsync(await infos.keys())).map((key) => infos.get(key)));
  const announced = said.map((entry) => decodeJson(workerInfoSchema, entry!.value));
  expect(announced.map(({ pixelFormat }) => pixelFormat)).toContain("i420");
  // The same grey, as bytes first and then by handles.
  const cameras = [
    holder.add({ ...size, id: "halves", value: 128, pixelFormat: "i420" }),
    holder.add({ ...size, id: "planes", value: 130 }),
  ];
  holder.arena = new FrameArena("/dev/shm");
  const found: FrameDetections[] = [];
  for (const camera of cameras) {
    for (let i = 1; i <= 3; i++) {
      holder.capture(camera);
      await until(() => camera.inferred.size === i);
    }
    found.push(...(await storedAll(camera)).map(({ result }) => result));
  }
  const formats = found.map(({ frame }) => frame!.pixelFormat);
  expect(new Set(formats.slice(0, 3))).toEqual(new Set([PixelFormat.I420]));
  expect(new Set(formats.slice(3))).toEqual(new Set([PixelFormat.GBRP]));
  expect(found[0]!.detections.length).toBeGreaterThan(0);
  for (const { detections } of found) expect(detections).toEqual(found[0]!.detections);
});

/** A host of another name as far as a process can see, with shared memory of its own; needs a system that lets it be made. */
const otherHost = [
  ...["unshare", ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]), "--mount", "--uts"],
  ...["sh", "-c", 'hostname elsewhere && mount -t tmpfs tmpfs /dev/shm && exec "$@"', "sh"],
];
const canBeElsewhere = spawnSync(otherHost[0]!, [...otherHost.slice(1), "true"]).status === 0;

test("a worker that does not see the shared memory gets bytes; ingest killed, another's memory serves", async () => {
  const far = await worker({ SIGHTLINE_FRAME_MEMORY_DIR: directory });
  const camera = holder.add({ ...size, id: "far" });
  holder.arena = new FrameArena("/dev/shm");
  for (let i = 1; i <= 3; i++) {
    holder.capture(camera);
    await until(() => camera.inferred.size === i);
  }
  expect(await far.metrics()).toMatch(/^sightline_inference_frames_received_total\{as="handle"\} 0$/m);
  await far.kill("SIGKILL");
  const near = await worker();
  for (let i = 4; i <= 9; i++) {
    if (i === 7) {
      await holder.arena.stop();
      holder.arena = new FrameArena("/dev/shm");
    }
    holder.capture(camera);
    await until(() => camera.inferred.size === i);
  }
  const metrics = await near.metrics();
  expect(metrics).toMatch(/^sightline_inference_frames_received_total\{as="bytes"\} 2$/m);
  expect(metrics).toMatch(/^sightline_inference_frames_received_total\{as="handle"\} 4$/m);
});

test.skipIf(!canBeElsewhere)(
  "a worker on another host gets bytes, beside one of this host that gets handles",
  async () => {
    const there = await worker({}, otherHost);
    const here = await worker();
    const cameras = [1, 2, 3, 4].map((n) => holder.add({ ...size, id: `hosts-${n}`, value: 130 }, 20));
    holder.arena = new FrameArena("/dev/shm");
    const received = async (from: WorkerProcess, as: string) =>
      Number(
        new RegExp(`^sightline_inference_frames_received_total\\{as="${as}"\\} (\\d+)$`, "m").exec(
          await from.metrics(),
        )![1],
      );
    await until(async () => (await received(there, "bytes")) > 5 && (await received(here, "handle")) > 5);
    expect(await received(there, "handle")).toBe(0);
    holder.pause();
    await until(() => cameras.every(({ handed }) => handed.size === 0));
    const results = (await Promise.all(cameras.map(storedAll))).flat().map(({ result }) => result);
    expect(new Set(results.map(({ inference }) => inference!.worker)).size).toBe(2);
    for (const { detections } of results) expect(detections).toEqual(results[0]!.detections);
    for (const camera of cameras) expect([camera.imbalance, camera.dropped.size]).toEqual([0, 0]);
    const infos = await new Kvm(connection).open(buckets.workers);
    const said = await Promise.all((await Array.fromAsync(await infos.keys())).map((key) => infos.get(key)));
    expect(said.map((entry) => decodeJson(workerInfoSchema, entry!.value).host)).toContain("elsewhere");
  },
);

test("a worker killed in the middle of a read: the frame is its ingest's to give up, and another goes on from the same memory", async () => {
  const arena = new FrameArena("/dev/shm");
  holder.arena = arena;
  const camera = holder.add({ ...size, id: "mid-read", value: 130 });
  const doomed = await worker();
  for (let i = 1; i <= 2; i++) {
    holder.capture(camera);
    await until(() => camera.inferred.size === i);
  }
  // It has the handle, or is about to have it, and nothing more.
  holder.onHanded = (handle) => handle && process.kill(doomed.pid, "SIGKILL");
  holder.capture(camera);
  await doomed.ended();
  holder.onHanded = () => undefined;
  expect(arena.usedBytes).toBeGreaterThan(0);
  await worker();
  holder.capture(camera);
  await until(() => camera.inferred.has(4));
  expect([...camera.inferred].sort()).toEqual([1, 2, 4]);
  expect([...camera.handed.keys()]).toEqual([3]);
  const results = await storedAll(camera);
  expect(results).toHaveLength(3);
  for (const { result } of results) expect(result.detections).toEqual(results[0]!.result.detections);
  expect(camera.imbalance).toBe(0);
});

test("a camera's score and class filters apply", async () => {
  await worker();
  const cameras = await new Kvm(connection).open(buckets.cameras);
  const record: CameraRecord = {
    uri: "rtsp://camera/1",
    transport: "tcp",
    targetFps: 0,
    model,
    minScore: 0,
    classes: ["car"],
    hasCredentials: false,
    createTime: new Date().toISOString(),
    updateTime: new Date().toISOString(),
  };
  await cameras.put("filtered", encodeJson(record));
  const camera = holder.add({ ...size, id: "filtered", value: 130 });
  const classesOf = async () => {
    const before = camera.inferred.size;
    holder.capture(camera);
    await until(() => camera.inferred.size > before);
    return new Set((await storedAll(camera)).at(-1)!.result.detections.map(({ className }) => className));
  };
  await until(async () => (await classesOf()).size === 1);
  expect(await classesOf()).toEqual(new Set(["car"]));
  await cameras.put("filtered", encodeJson({ ...record, minScore: 1 }));
  await until(async () => (await classesOf()).size === 0);
});

test("a token that comes twice gives one result", async () => {
  const camera = holder.add({ ...size, id: "twice" });
  holder.capture(camera);
  const again = encodeJson({ camera: "twice", epoch: camera.epoch, id: 1 });
  await jetstream(connection).publish(subjects.ready(model, "twice"), again);
  const started = await worker();
  await until(() => camera.inferred.size === 1);
  await until(async () => (await manager.streams.info(streams.ready)).state.messages === 0);
  expect(await storedAll(camera)).toHaveLength(1);
  expect(await started.metrics()).toMatch(/^sightline_inference_tokens_total\{outcome="void"\} 1$/m);
});

test("frames that are too old, or not of the model's size, are dropped with their reason", async () => {
  const started = await worker();
  const old = holder.add({ ...size, id: "old", ageMs: 600_000 });
  const odd = holder.add({ ...size, id: "odd", width: 32, height: 32 });
  const good = holder.add({ ...size, id: "good" });
  for (const camera of [old, odd, good]) holder.capture(camera);
  await until(() => old.dropped.size === 1 && odd.dropped.size === 1 && good.inferred.size === 1);
  expect(old.dropped.get(1)).toBe(DropReason.STALE);
  expect(odd.dropped.get(1)).toBe(DropReason.WORKER_ERROR);
  expect(await stored(old)).toEqual([]);
  await until(async () => (await consumer()).num_ack_pending === 0);
  expect(started.running).toBe(true);
});

test("a batch that cannot be inferred is dropped, and the process goes on", async () => {
  const started = await worker({ SIGHTLINE_MODEL: "overflowing", SIGHTLINE_BATCH_SIZE: "1" });
  const bad = holder.add({ ...size, id: "white", model: "overflowing", value: 255 });
  const good = holder.add({ ...size, id: "black", model: "overflowing", value: 0 });
  holder.capture(bad);
  await until(() => bad.dropped.get(1) === DropReason.WORKER_ERROR);
  holder.capture(good);
  holder.capture(bad);
  await until(() => good.inferred.size === 1 && bad.dropped.size === 2);
  expect(started.running).toBe(true);
});

test("what is not a frame, and a camera that nobody holds, cost only their token", async () => {
  const started = await worker();
  const garbage = "garbage";
  connection.subscribe(subjects.frameGet(garbage), {
    callback: (_error, message) => void message.respond("no frame"),
  });
  await jetstream(connection).publish(
    subjects.ready(model, garbage),
    encodeJson({ camera: garbage, epoch: "e", id: 1 }),
  );
  await jetstream(connection).publish(
    subjects.ready(model, "nobody"),
    encodeJson({ camera: "nobody", epoch: "e", id: 1 }),
  );
  const camera = holder.add({ ...size, id: "after-garbage" });
  holder.capture(camera);
  await until(() => camera.inferred.size === 1);
  await until(async () => (await manager.streams.info(streams.ready)).state.messages === 0);
  expect(started.running).toBe(true);
});

test("a worker killed before it got its frame: the token comes back and the frame is inferred once", async () => {
  const doomed = await worker();
  const camera = holder.add({ ...size, id: "orphan" });
  const killed = new Promise<void>((resolve) => {
    holder.onRequest = () => {
      process.kill(doomed.pid, "SIGKILL");
      resolve();
      return false;
    };
  });
  holder.capture(camera);
  await killed;
  await doomed.ended();
  holder.onRequest = () => true;
  const second = await worker();
  await until(() => camera.inferred.size === 1);
  expect(await storedAll(camera)).toHaveLength(1);
  expect(await second.metrics()).toMatch(/^sightline_inference_tokens_redelivered_total [1-9]/m);
});

test("a worker killed in the middle of its work: nothing is published twice, and the others go on", async () => {
  const doomed = await worker();
  const cameras = [1, 2, 3].map((n) => holder.add({ ...size, id: `killed-${n}` }, 30));
  await until(() => cameras.every(({ inferred }) => inferred.size > 3));
  const handed = new Promise<void>((resolve) => {
    holder.onRequest = () => {
      setImmediate(resolve);
      return true;
    };
  });
  await handed;
  await doomed.kill("SIGKILL");
  await worker();
  const before = cameras.map(({ inferred }) => inferred.size);
  await until(() => cameras.every(({ inferred }, i) => inferred.size > before[i]! + 5));
  holder.pause();
  await until(async () => (await consumer()).num_ack_pending === 0);
  for (const camera of cameras) {
    // What is acknowledged may come to the stream, and from there to who listens, a moment later.
    await expect.poll(async () => (await stored(camera)).length - camera.inferred.size).toBe(0);
    const ids = (await stored(camera)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(camera.imbalance).toBe(0);
  }
});

test("NATS killed and restarted under load: work resumes, and nothing is lost or doubled", async () => {
  const started = await worker();
  const cameras = [1, 2, 3].map((n) => holder.add({ ...size, id: `restart-${n}` }, 30));
  await until(() => cameras.every(({ inferred }) => inferred.size > 3));
  await server.down("SIGKILL");
  await server.up();
  const before = cameras.map(({ inferred }) => inferred.size);
  await until(() => cameras.every(({ inferred }, i) => inferred.size > before[i]! + 10));
  holder.pause();
  await until(async () => (await consumer()).num_ack_pending === 0);
  for (const camera of cameras) {
    const ids = (await stored(camera)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const known = new Set(
      [...camera.inferred, ...camera.handed.keys()].map((n) => `${camera.options.id}:${camera.epoch}:${n}`),
    );
    for (const id of ids) expect(known).toContain(id);
    expect(camera.imbalance).toBe(0);
  }
  expect(started.running).toBe(true);
});

test("a worker that is stopped finishes what it has, and leaves the rest to the others at once", async () => {
  const leaving = await worker();
  const cameras = [1, 2, 3, 4].map((n) => holder.add({ ...size, id: `stop-${n}` }, 60));
  await until(() => cameras.every(({ inferred }) => inferred.size > 3));
  expect(await leaving.kill("SIGTERM")).toBe(0);
  for (const camera of cameras) {
    await expect.poll(() => camera.handed.size).toBe(0);
    expect(camera.dropped.size).toBe(0);
  }
  // No token comes back by itself now: what arrives was given back, or never taken.
  const hour = 3_600_000_000_000;
  await manager.consumers.update(streams.ready, readyConsumer(model).durable_name, { ack_wait: hour });
  const waiting = new Set<string>();
  const source = new TokenSource({
    nats: { connection, changes: new ConnectionChanges(connection) },
    model,
    provision: async () => undefined,
    onToken: (token) => {
      waiting.add(token.camera);
      token.ack();
    },
    onInvalid: () => undefined,
    log: createLogger("test", "silent"),
  });
  source.demand(cameras.length);
  await until(() => cameras.every(({ options }) => waiting.has(options.id)));
  await source.stop();
});

test.each([
  [
    "an unknown model, listing what is there",
    { SIGHTLINE_MODEL: "missing" },
    1,
    /no model 'missing'.*overflowing, small/,
  ],
  [
    "a provider that is not there",
    { SIGHTLINE_EXECUTION_PROVIDER: "cuda" },
    1,
    /cannot run as requested: cuda/,
  ],
  ["a precision that the model has not", { SIGHTLINE_PRECISION: "int8" }, 1, /has no int8Cpu file/],
  ["a wrong setting", { SIGHTLINE_THREADS: "0" }, 2, /SIGHTLINE_THREADS = "0": expected at least 1/],
])("ends with a clear error for %s", async (_, more, code, message) => {
  const failed = await WorkerProcess.spawn(env(more));
  expect(await failed.ended()).toBe(code);
  expect(failed.log).toMatch(message);
});
