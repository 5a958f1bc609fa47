import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import {
  type CandidateState,
  decodeJson,
  encodeJson,
  FrameDetections,
  type ModelVersions,
  parseFrameId,
  streams,
  type WorkerInfo,
  workerInfoSchema,
} from "@sightline/contracts";
import { ensureStreams, openBuckets } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { FrameHolder } from "./testing/frame-holder.ts";
import { writeSmallModel } from "./testing/small-model.ts";
import { WorkerProcess } from "./testing/worker-process.ts";

const model = "small";
const size = { width: 64, height: 64, model, value: 130 };
let directory: string;
let first: string;
let second: string;
let broken: string;
let larger: string;
let server: NatsServer;
let connection: NatsConnection;
let manager: JetStreamManager;
let wanted: KV;
let infos: KV;
let holder: FrameHolder;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sightline-versions-"));
  first = await writeSmallModel(directory, model);
  second = await writeSmallModel(directory, model, { seed: 8, asVersion: true });
  broken = await writeSmallModel(directory, model, { seed: 9, overflows: true, asVersion: true });
  larger = await writeSmallModel(directory, model, { side: 96, asVersion: true });
  server = await NatsServer.start();
  connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  manager = await jetstreamManager(connection, { checkAPI: false });
  await ensureStreams(manager, { maxAgeSeconds: 3600, maxBytes: 64 * 1024 ** 2, replicas: 1 });
  const opened = await openBuckets(new Kvm(connection));
  wanted = opened.modelVersions;
  infos = opened.workers;
  holder = await FrameHolder.start(server.url);
});

afterEach(async () => {
  holder.pause();
  await Promise.all(workers.splice(0).map((worker) => worker.kill("SIGKILL")));
  await manager.streams.purge(streams.ready);
  await wanted.delete(model);
});

afterAll(async () => {
  await holder?.stop();
  await connection?.close();
  await server?.stop();
  rmSync(directory, { recursive: true });
});

async function worker(): Promise<WorkerProcess> {
  const started = await WorkerProcess.start({
    SIGHTLINE_NATS_URL: server.url,
    SIGHTLINE_MODEL_DIR: directory,
    SIGHTLINE_MODEL: model,
    SIGHTLINE_PRECISION: "fp32",
    SIGHTLINE_EXECUTION_PROVIDER: "cpu",
    SIGHTLINE_THREADS: "1",
    SIGHTLINE_MAX_AGE_MS: "60000",
  });
  workers.push(started);
  return started;
}

const until = (condition: () => boolean | Promise<boolean>) =>
  vi.waitUntil(condition, { timeout: 60_000, interval: 20 });

const want = (record: Omit<ModelVersions, "versions">) =>
  wanted.put(model, encodeJson({ ...record, versions: [] }));

/** What the only worker tells of itself. */
async function info(): Promise<WorkerInfo | undefined> {
  for await (const key of await infos.keys()) {
    const entry = await infos.get(key);
    const told = entry?.operation === "PUT" ? decodeJson(workerInfoSchema, entry.value) : undefined;
    if (told && workers.length > 0) return told;
  }
  return undefined;
}

async function answerFor(activation: string): Promise<CandidateState> {
  let candidate: CandidateState | undefined;
  await until(async () => {
    candidate = (await info())?.candidate;
    return candidate?.activation === activation && candidate.state !== "loading";
  });
  return candidate!;
}

/** The version that each stored frame of a camera was inferred by, by the frame's number. */
async function versionsOf(camera: string): Promise<Map<number, string>> {
  const stream = await manager.streams.get(streams.detections);
  const { state } = await stream.info();
  const found = new Map<number, string>();
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await stream.getMessage({ seq });
    const id = parseFrameId(message!.header.get("Nats-Msg-Id"));
    if (id?.camera !== camera) continue;
    expect(found.has(id.number)).toBe(false);
    found.set(id.number, FrameDetections.decode(message!.data).inference!.modelVersion);
  }
  return found;
}

test("changes its version under load: no frame is lost or doubled, and each says which version made it", async () => {
  const started = await worker();
  expect((await info())?.versions).toEqual([first, ...[second, broken, larger].sort()]);
  const cameras = [1, 2].map((n) => holder.add({ ...size, id: `switched-${n}` }, 10));
  for (const version of [second, first, second]) {
    const activation = randomUUID();
    await want({ candidate: { activation, version } });
    expect(await answerFor(activation)).toMatchObject({ state: "ready" });
    await want({ active: version });
    await until(async () => (await info())?.modelVersion === version);
    const before = cameras.map(({ inferred }) => inferred.size);
    await until(() => cameras.every(({ inferred }, i) => inferred.size > before[i]! + 5));
  }
  holder.pause();
  await until(() => cameras.every(({ handed }) => handed.size === 0));
  for (const camera of cameras) {
    expect(camera.imbalance).toBe(0);
    expect(camera.dropped.size).toBe(0);
    await until(async () => (await versionsOf(camera.options.id)).size === camera.inferred.size);
    const versions = [...(await versionsOf(camera.options.id))]
      .sort(([a], [b]) => a - b)
      .map(([, version]) => version);
    expect(versions[0]).toBe(first);
    expect(versions.at(-1)).toBe(second);
  }
  const metrics = await started.metrics();
  expect(metrics).toMatch(new RegExp(`^sightline_inference_info\\{.*version="${second}".*\\} 1$`, "m"));
  expect(metrics).not.toContain(first);
});

test("a version that gives no numbers, is not here, or takes other frames changes nothing and says why", async () => {
  const started = await worker();
  for (const [version, why] of [
    [broken, /not finite/],
    [larger, /takes frames of 96x96.*the running version takes 64x64/],
    ["0123456789ab", /version 0123456789ab of the model 'small' is not in .*small/],
  ] as const) {
    const activation = randomUUID();
    await want({ candidate: { activation, version } });
    const answer = await answerFor(activation);
    expect(answer.state).toBe("failed");
    expect(answer.message).toMatch(why);
    expect((await info())?.modelVersion).toBe(first);
  }
  // Also when it is made active all the same, by hand.
  await want({ active: broken });
  await until(async () => /cannot serve the active.*not finite/.test((await info())?.versionFault ?? ""));
  const camera = holder.add({ ...size, id: "unchanged" });
  holder.capture(camera);
  await until(() => camera.inferred.size === 1);
  expect((await versionsOf("unchanged")).get(1)).toBe(first);
  expect(started.running).toBe(true);
});

test("a worker that is killed after it was told takes the active version when it starts, and one without it says so", async () => {
  const doomed = await worker();
  await want({ candidate: { activation: randomUUID(), version: second } });
  await until(async () => (await info())?.candidate !== undefined);
  await doomed.kill("SIGKILL");
  workers.splice(0);
  await want({ active: second });
  await until(async () => !(await info()));
  await worker();
  const camera = holder.add({ ...size, id: "restarted" });
  holder.capture(camera);
  await until(() => camera.inferred.size === 1);
  expect((await versionsOf("restarted")).get(1)).toBe(second);
  await want({ active: "0123456789ab" });
  const failed = await WorkerProcess.spawn({
    SIGHTLINE_NATS_URL: server.url,
    SIGHTLINE_MODEL_DIR: directory,
    SIGHTLINE_MODEL: model,
  });
  expect(await failed.ended()).toBe(1);
  expect(failed.log).toMatch(/version 0123456789ab of the model 'small' is not in/);
});
