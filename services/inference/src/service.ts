import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import {
  cameraRecordSchema,
  decodeJson,
  encodeJson,
  modelJobSchema,
  modelShadowSchema,
  modelVersionsSchema,
  storedVersionSchema,
  streams,
  subjects,
} from "@sightline/contracts";
import { ArenaReaders } from "@sightline/frame-arena";
import {
  findBuckets,
  KvMirror,
  type Lifecycle,
  type Logger,
  type Nats,
  patiently,
  ServiceStart,
  Tracing,
} from "@sightline/service";
import { Announcements } from "./announcements.ts";
import { CameraFilters } from "./camera-filters.ts";
import type { InferenceConfig } from "./config.ts";
import { DetectionPublisher } from "./detection-publisher.ts";
import { FrameSource } from "./frame-source.ts";
import { JobRecords } from "./jobs/job-records.ts";
import { JobRunner } from "./jobs/job-runner.ts";
import { StoredVersions } from "./jobs/stored-versions.ts";
import { findModel, listVersions } from "./model-directory.ts";
import { InferenceMetrics } from "./model-metrics.ts";
import { ModelPool } from "./model-pool.ts";
import { QueueDepths, waitingTokens } from "./queue-depth.ts";
import { SecondStageMetrics } from "./second-stage-metrics.ts";
import { SecondStages } from "./second-stages.ts";
import type { SessionThread } from "./session-thread.ts";
import { ShadowMetrics } from "./shadow-metrics.ts";
import { Shadows } from "./shadows.ts";
import { TokenQueue } from "./token-queue.ts";
import { TokenSource } from "./token-source.ts";
import { Turns } from "./turns.ts";

const version = "0.1.0";
const flushLimitMs = 500;

/**
 * Starts the inference service: opens the model, warms it up, and takes work.
 * @throws ModelFileError, WorkerError model_not_found or no_engine when the model cannot run as configured
 */
export async function startInference(config: InferenceConfig, log: Logger, life: Lifecycle): Promise<void> {
  const start = new ServiceStart({ service: "inference", version, startsAs: "worker" }, log, life);
  const { registry } = start;
  const metrics = new InferenceMetrics(registry);
  const shadowMetrics = new ShadowMetrics(registry);
  const secondStageMetrics = new SecondStageMetrics(registry);
  let pool: ModelPool | undefined;
  await start.listen(config.http);

  const tracing = life.add(await Tracing.start("inference", version, config, log));
  const id = `${hostname()
    .replace(/[^a-zA-Z0-9-]/g, "-")
    .slice(0, 63)}-${randomBytes(4).toString("hex")}`;
  // Before waiting for NATS, because NATS cannot provide a missing model.
  if ((await listVersions(config.modelDirectory, config.model)).length === 0)
    await findModel(config.modelDirectory, config.model);
  const looked = [streams.ready, streams.detections];
  const nats = await start.connect(config, `inference ${id}`, looked, closeConnection);
  const provision = (model: string) =>
    new TokenQueue(nats.manager, model, config.replicas, nats.setBacks, log).provision();
  // For any JetStream fault: `/readyz` reports it, and the worker continues when it is repaired.
  const always = () => true;
  await patiently(() => provision(config.model), log, life.signal, always);
  const needed = [
    "cameras",
    "models",
    "workers",
    "modelVersions",
    "modelShadows",
    "modelJobs",
    "modelStore",
    "modelFiles",
  ] as const;
  const buckets = await patiently(
    () => findBuckets(nats, needed, log, life.signal),
    log,
    life.signal,
    always,
  );
  const records = life.add(
    new KvMirror(nats, buckets.cameras, (data) => decodeJson(cameraRecordSchema, data), log),
  );
  records.onChange(({ key, value }) => {
    if (value) return;
    metrics.forget(key);
    shadowMetrics.forget(key);
  });
  const filters = new CameraFilters(records);
  const wanted = life.add(
    new KvMirror(nats, buckets.modelVersions, (data) => decodeJson(modelVersionsSchema, data), log),
  );
  const shadowRecords = life.add(
    new KvMirror(nats, buckets.modelShadows, (data) => decodeJson(modelShadowSchema, data), log),
  );
  const stored = life.add(
    new KvMirror(nats, buckets.modelStore, (data) => decodeJson(storedVersionSchema, data), log),
  );
  const jobs = life.add(
    new KvMirror(nats, buckets.modelJobs, (data) => decodeJson(modelJobSchema, data), log),
  );
  await Promise.all([records, wanted, shadowRecords, stored, jobs].map((mirror) => mirror.start()));
  start.waitsFor("models that were uploaded are being fetched");
  // First, because one of them may be the version to serve.
  const versions = life.add(new StoredVersions(stored, buckets.modelFiles, config.modelDirectory, log));
  await versions.start();
  const arenas = life.add(new ArenaReaders(config.frameMemoryDirectory));
  const threads = new Set<SessionThread>();
  life.add({ stop: async () => void (await Promise.all([...threads].map((thread) => thread.stop()))) });
  const turns = new Turns<object>();
  const shadows = life.add(
    new Shadows({
      ...{ config, turns, threads, log, records: shadowRecords, metrics: shadowMetrics, worker: id },
      free: () => pool?.free ?? 0,
      active: (model) => wanted.get(model)?.active,
      publish: (shadow, message) => {
        if (nats.connected()) nats.connection.publish(subjects.shadow(shadow), encodeJson(message));
      },
    }),
  );
  const secondStages = life.add(
    new SecondStages({
      ...{ config, turns, log, cameras: records, metrics: secondStageMetrics },
      free: () => pool?.free ?? 0,
      onChange: () => void pool?.main.tell(),
    }),
  );
  await secondStages.start();
  start.waitsFor("the model is being loaded");
  pool = life.add(
    await ModelPool.start({
      id,
      metrics,
      cameras: records,
      models: buckets.models,
      provision,
      shadows,
      unfetched: () => versions.faults,
      secondStages,
      waiting: async (model) => (await waitingTokens(nats.manager, model)) ?? 0,
      shared: {
        ...{ config, threads, arenas, filters, tracing, log, wanted, turns, shadows, secondStages },
        frames: new FrameSource(nats, id, arenas),
        publisher: new DetectionPublisher(nats, log),
      },
      own: (model, laneId) => ({
        announce: (served, worker) => new Announcements(buckets, { model, id: laneId }, served, worker, log),
        tokens: (onToken) =>
          new TokenSource({
            ...{ nats, model, onToken, log },
            provision: () => provision(model),
            onInvalid: (error) => {
              metrics.token("invalid");
              log.warn({ err: error }, "a message in the token stream is not a token");
            },
          }),
      }),
    }),
  );
  const { main } = pool;
  start.requires("worker", () => (main.current.state === "RUNNING" ? undefined : main.current.state));
  if (config.modelJobMemoryMb > 0) {
    const parts = { worker: id, config, wanted, files: buckets.modelFiles, log };
    life.add(new JobRunner({ ...parts, records: new JobRecords(buckets.modelJobs, jobs) })).start();
  }
  const depths = new QueueDepths(nats.manager, (model, tokens) => metrics.of(model).queueDepth(tokens));
  life.add(depths).start(() => pool?.models ?? []);
}

/** Sends what is still buffered, unless the server cannot be reached. */
async function closeConnection({ connection, connected }: Nats): Promise<void> {
  if (connected()) await Promise.race([connection.flush(), delay(flushLimitMs, undefined, { ref: false })]);
  await connection.close();
}
