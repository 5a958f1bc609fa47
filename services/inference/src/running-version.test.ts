import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import {
  DropReason,
  type FrameDetections,
  FrameDetections as FrameDetectionsCodec,
  readyConsumer,
  readyStream,
  streams,
  subjects,
} from "@sightline/contracts";
import { ArenaReaders } from "@sightline/frame-arena";
import {
  connectNats,
  createLogger,
  createRegistry,
  ensureStream,
  ensureStreams,
  loadConfig,
  type Nats,
  Tracing,
} from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { settings } from "./config.ts";
import { DetectionPublisher } from "./detection-publisher.ts";
import { WorkerError } from "./errors.ts";
import { FrameSource } from "./frame-source.ts";
import { findModel, type LocatedModel } from "./model-directory.ts";
import { guessMemory } from "./model-memory.ts";
import { InferenceMetrics } from "./model-metrics.ts";
import { RunningVersion, type VersionParts } from "./running-version.ts";
import type { SessionThread } from "./session-thread.ts";
import { FrameHolder, type HeldCamera } from "./testing/frame-holder.ts";
import { writeSmallModel } from "./testing/small-model.ts";
import { TokenSource } from "./token-source.ts";
import { Turns } from "./turns.ts";

const side = 160;
const size = { width: side, height: side, value: 130 };
const log = createLogger("test", "silent");
const registry = createRegistry("test", "0");
const metrics = new InferenceMetrics(registry);
let directory: string;
let server: NatsServer;
let nats: Nats;
let holder: FrameHolder;
let tracing: Tracing;
const running: RunningVersion[] = [];

/** A machine that has no memory for a second batch at the same time. */
class NarrowTurns extends Turns<object> {
  #now = 0;
  isNarrow = true;

  override during<T>(action: () => Promise<T>): Promise<T> {
    return super.during(async () => {
      if (this.isNarrow && this.#now > 0) throw new WorkerError("batch_failed", "out of memory");
      this.#now++;
      return action().finally(() => this.#now--);
    });
  }
}

/** Counts the batches that run at the same time. */
class CountedTurns extends Turns<object> {
  #now = 0;
  most = 0;

  override async during<T>(action: () => Promise<T>): Promise<T> {
    this.most = Math.max(this.most, ++this.#now);
    try {
      return await super.during(action);
    } finally {
      this.#now--;
    }
  }
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sightline-sessions-"));
  await writeSmallModel(directory, "small", { side });
  await writeSmallModel(directory, "overflowing", { side, overflows: true });
  server = await NatsServer.start();
  nats = await connectNats(loadConfig(settings, { SIGHTLINE_NATS_URL: server.url }), "test", log);
  await ensureStreams(nats.manager, { maxAgeSeconds: 3600, maxBytes: 64 * 1024 ** 2, replicas: 1 });
  await ensureStream(nats.manager, readyStream(1));
  holder = await FrameHolder.start(server.url);
  tracing = await Tracing.start("test", "0", { traceRatio: 0 }, log);
});

afterEach(async () => {
  holder.pause();
  await Promise.all(running.splice(0).map((version) => version.stop()));
  await nats.manager.streams.purge(streams.ready);
});

afterAll(async () => {
  await holder?.stop();
  await nats?.connection.close();
  await server?.stop();
  rmSync(directory, { recursive: true });
});

const located = (model = "small"): Promise<LocatedModel> => findModel(directory, model);

async function partsOf(model: string, sessions: number) {
  const config = loadConfig(settings, {
    SIGHTLINE_NATS_URL: server.url,
    SIGHTLINE_PRECISION: "fp32",
    SIGHTLINE_EXECUTION_PROVIDER: "cpu",
    SIGHTLINE_THREADS: "1",
    SIGHTLINE_MAX_BATCH: "4",
    SIGHTLINE_MAX_AGE_MS: "60000",
    SIGHTLINE_SESSIONS: String(sessions),
  });
  const provision = () =>
    nats.manager.consumers.add(streams.ready, readyConsumer(model)).then(() => undefined);
  await provision();
  const arenas = new ArenaReaders("/dev/shm");
  return {
    id: "w",
    config,
    turns: new CountedTurns(),
    threads: new Set<SessionThread>(),
    frames: new FrameSource(nats, "w", arenas),
    arenas,
    filters: { of: () => ({ minScore: 0, classes: undefined, secondStages: [] }) },
    publisher: new DetectionPublisher(nats, log),
    metrics: metrics.of(model),
    tracing,
    shadows: { take: () => [] },
    secondStages: { keep: () => undefined },
    tokens: (onToken) =>
      new TokenSource({ nats, model, provision, onToken, onInvalid: () => undefined, log }),
    log,
  } satisfies VersionParts;
}

async function open(sessions: number, model = "small") {
  const parts = await partsOf(model, sessions);
  const version = await RunningVersion.open(await located(model), parts);
  running.push(version);
  return { parts, version };
}

const until = (condition: () => boolean | Promise<boolean>) =>
  vi.waitUntil(condition, { timeout: 60_000, interval: 10 });

const addCameras = (name: string, count: number, fps: number, model = "small") =>
  Array.from({ length: count }, (_, i) => holder.add({ ...size, model, id: `${name}-${i}` }, fps));

/** The camera's results in the stream, in the order of its frames; each is there once, and the ledger adds up. */
async function exactResults(camera: HeldCamera): Promise<FrameDetections[]> {
  await until(() => camera.handed.size === 0);
  let found: FrameDetections[] = [];
  await until(async () => {
    const stream = await nats.manager.streams.get(streams.detections);
    const { state } = await stream.info();
    found = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await stream.getMessage({ seq });
      if (message?.subject === subjects.detections(camera.options.id))
        found.push(FrameDetectionsCodec.decode(message.data));
    }
    return found.length >= camera.inferred.size;
  });
  expect(camera.imbalance).toBe(0);
  expect(new Set(found.map(({ frame }) => frame!.number))).toEqual(camera.inferred);
  expect(found).toHaveLength(camera.inferred.size);
  return found.sort((a, b) => a.frame!.number - b.frame!.number);
}

test("two sessions run at the same time; each frame has one result, which names the frame before it", async () => {
  const { parts, version } = await open(2);
  parts.turns.most = 0;
  version.start();
  const cameras = addCameras("both", 6, 60);
  await until(() => cameras.every(({ inferred }) => inferred.size > 20));
  holder.pause();
  // One session has two batches at most.
  expect(parts.turns.most).toBeGreaterThan(2);
  for (const camera of cameras) {
    const results = await exactResults(camera);
    expect(camera.dropped.size).toBe(0);
    const before = [0, ...results.map(({ frame }) => frame!.number)];
    expect(results.map(({ frame }) => frame!.previousNumber)).toEqual(before.slice(0, -1));
    const { inference } = results[0]!;
    expect(inference).toMatchObject({ modelDigest: version.session.engine.digest, precision: "fp32" });
  }
  expect(version.slots).toBe(6);
});

test("what a session takes is told as it is beside the others", async () => {
  const { version: alone } = await open(1);
  const { version: both } = await open(2);
  expect([alone.sessions, both.sessions]).toEqual([1, 2]);
  expect(both.session.curve.map(({ batch }) => batch)).toEqual(alone.session.curve.map(({ batch }) => batch));
});

test("when one session's thread ends, the other goes on with all cameras, until it is back", async () => {
  const threads: Worker[] = [];
  const note = (worker: Worker) => threads.push(worker);
  process.on("worker", note);
  const { version } = await open(2).finally(() => process.off("worker", note));
  version.start();
  const cameras = addCameras("crashed", 3, 20);
  await until(() => cameras.every(({ inferred }) => inferred.size > 3));
  holder.pause();
  await until(() => cameras.every(({ handed }) => handed.size === 0));
  // Between two runs: in the midst of one, ONNX Runtime would take the process with it.
  await threads[0]!.terminate();
  expect(version.available).toBe(true);
  expect(version.state).toBe("RUNNING");
  for (const camera of cameras) {
    const before = camera.inferred.size;
    holder.capture(camera);
    await until(() => camera.inferred.size > before);
  }
  await until(() => version.restarts === 1);
  const before = cameras.map(({ inferred }) => inferred.size);
  for (let i = 0; i < 10; i++)
    for (const camera of cameras) {
      holder.capture(camera);
      await until(() => camera.waiting === undefined);
    }
  await until(() => cameras.every(({ inferred }, i) => inferred.size >= before[i]! + 10));
  for (const camera of cameras) await exactResults(camera);
});

test("a batch that cannot be inferred is dropped, and both sessions go on", async () => {
  const { version } = await open(2, "overflowing");
  version.start();
  const [bad, good] = [
    holder.add({ ...size, model: "overflowing", id: "white", value: 255 }),
    holder.add({ ...size, model: "overflowing", id: "black", value: 0 }),
  ];
  for (let i = 1; i <= 4; i++) {
    holder.capture(bad);
    await until(() => bad.dropped.get(i) === DropReason.WORKER_ERROR);
    holder.capture(good);
    await until(() => good.inferred.size === i);
  }
  expect(version.restarts).toBe(0);
  await exactResults(good);
});

test("another version takes over while both run, and each frame has one result of one of them", async () => {
  const { parts, version } = await open(2);
  version.start();
  const cameras = addCameras("switched", 4, 60);
  await until(() => cameras.every(({ inferred }) => inferred.size > 5));
  const next = await RunningVersion.open(await located(), parts, version);
  running.push(next);
  next.start();
  await version.stop();
  const before = cameras.map(({ inferred }) => inferred.size);
  await until(() => cameras.every(({ inferred }, i) => inferred.size > before[i]! + 10));
  holder.pause();
  for (const camera of cameras) {
    await exactResults(camera);
    expect(camera.dropped.size).toBe(0);
  }
  expect(parts.threads.size).toBe(2);
});

test("stopped while both run, they finish what they have", async () => {
  const { parts, version } = await open(2);
  version.start();
  const cameras = addCameras("stopped", 4, 60);
  await until(() => cameras.every(({ inferred }) => inferred.size > 5));
  await version.stop();
  expect(parts.threads.size).toBe(0);
  for (const camera of cameras) {
    await exactResults(camera);
    expect(camera.dropped.size).toBe(0);
  }
});

test("where a session cannot be opened none is left over", async () => {
  const parts = await partsOf("small", 3);
  const { folder, manifest, version } = await located();
  const files = { fp32: { ...manifest.files.fp32!, file: "missing.onnx" } };
  const missing = { folder, version, manifest: { ...manifest, files } };
  await expect(RunningVersion.open(missing, parts)).rejects.toMatchObject({ code: "no_engine" });
  expect(parts.threads.size).toBe(0);
});

/** A version goes on with fewer sessions than were asked for: it takes frames, and a metric and a warning say so. */
async function expectFewer(version: RunningVersion, parts: VersionParts, name: string, sessions: number) {
  expect([version.sessions, version.missing]).toEqual([sessions, 3 - sessions]);
  expect(parts.threads.size).toBe(sessions);
  version.start();
  expect(parts.metrics.sessions).toBe(sessions);
  const cameras = addCameras(name, 2, 20);
  await until(() => cameras.every(({ inferred }) => inferred.size > 5));
  holder.pause();
  for (const camera of cameras) await exactResults(camera);
}

test("where a further session cannot be opened the version goes on with those that are open", async () => {
  const parts = await partsOf("small", 3);
  const model = await located();
  const file = join(model.folder, model.manifest.files.fp32!.file);
  const away = `${file}.away`;
  let threads = 0;
  const take = () => {
    if (++threads === 3) renameSync(file, away);
  };
  process.on("worker", take);
  const version = await RunningVersion.open(model, parts).finally(() => {
    process.off("worker", take);
    renameSync(away, file);
  });
  running.push(version);
  await expectFewer(version, parts, "two-of-three", 2);
});

test("where sessions cannot run beside each other the version goes on with one", async () => {
  const parts = { ...(await partsOf("small", 3)), turns: new NarrowTurns() };
  const version = await RunningVersion.open(await located(), parts);
  parts.turns.isNarrow = false;
  running.push(version);
  await expectFewer(version, parts, "one-of-three", 1);
});

test("a model of several sessions counts with the memory of all", async () => {
  const model = await located();
  const config = { executionProvider: "cpu", precision: "fp32" } as const;
  const one = await guessMemory(model, { ...config, sessions: 1 });
  const three = await guessMemory(model, { ...config, sessions: 3 });
  expect(three.about).toBe(3 * one.about);
  expect(three.least).toBe(3 * one.least);
});
