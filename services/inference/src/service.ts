import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { cameraRecordSchema, decodeJson, streams } from "@sightline/contracts";
import { ArenaReaders } from "@sightline/frame-arena";
import {
  connectNats,
  createRegistry,
  findBuckets,
  HttpServer,
  isLoopback,
  KvMirror,
  type Lifecycle,
  type Logger,
  type Nats,
  natsReadiness,
  observeStreamFaults,
  Tracing,
} from "@sightline/service";
import type { ModelManifest } from "@sightline/yolo-nas";
import { Announcements, servedModel, workerInfo } from "./announcements.ts";
import { chooseBatchSize, curveSizes, runMs } from "./batch-curve.ts";
import { BatchSlots } from "./batch-slots.ts";
import { batchSlots } from "./batcher.ts";
import { CameraFilters } from "./camera-filters.ts";
import type { InferenceConfig } from "./config.ts";
import { DetectionPublisher } from "./detection-publisher.ts";
import { engineCandidates } from "./engine-choice.ts";
import { FrameSource } from "./frame-source.ts";
import { InferenceMetrics } from "./inference-metrics.ts";
import { findModel } from "./model-directory.ts";
import { QueueDepth } from "./queue-depth.ts";
import type { SessionInfo } from "./session-messages.ts";
import { SessionThread } from "./session-thread.ts";
import { TokenQueue } from "./token-queue.ts";
import { TokenSource } from "./token-source.ts";
import { InferenceWorker, type Work } from "./worker.ts";

const version = "0.1.0";
const flushLimitMs = 500;

/**
 * Starts the inference service: opens the model, warms it up, and takes work.
 * @throws ModelNotFoundError, ModelFileError, EngineChoiceError when the model cannot run as configured
 */
export async function startInference(config: InferenceConfig, log: Logger, life: Lifecycle): Promise<void> {
  const registry = createRegistry("inference", version);
  const metrics = new InferenceMetrics(registry);
  let nats: Nats | undefined;
  let worker: InferenceWorker | undefined;
  let starting = "the model is being loaded, or NATS is waited for";
  const http = life.add(
    new HttpServer(
      registry,
      {
        ...natsReadiness(() => nats),
        worker: () => (worker?.state === "RUNNING" ? undefined : (worker?.state ?? starting)),
      },
      log,
    ),
  );
  observeStreamFaults(registry, () => nats?.watch.faults() ?? []);
  const address = await http.listen(config.http);
  log.info({ address, open: !isLoopback(config.http) }, "metrics and health are served");

  const tracing = life.add(await Tracing.start("inference", version, config, log));
  const located = await findModel(config.modelDirectory, config.model);
  const { manifest } = located;
  const capacity = config.batchSize === "auto" ? config.maxBatch : config.batchSize;
  const slots = new BatchSlots<Work>(batchSlots, capacity, 3 * manifest.frame.width * manifest.frame.height);
  const thread = life.add(
    new SessionThread({
      settings: {
        ...engineCandidates(located, config.executionProvider, config.precision),
        threads: config.threads,
        capacity,
        frame: manifest.frame,
        classCount: manifest.classes.length,
        slots: slots.slots.map(({ memory }) => memory),
        warmUpSizes: config.batchSize === "auto" ? curveSizes(config.maxBatch) : [config.batchSize],
      },
      log,
      onAvailable: (available) => worker?.setAvailable(available),
    }),
  );
  const id = `${hostname()
    .replace(/[^a-zA-Z0-9-]/g, "-")
    .slice(0, 63)}-${randomBytes(4).toString("hex")}`;
  const [session, connected] = await Promise.all([
    thread.start(),
    connectNats(config, `inference ${id}`, log, { signal: life.signal }),
  ]);
  nats = connected;
  life.add({ stop: () => closeConnection(connected) });
  connected.setBacks.observe(registry);
  starting = "JetStream does not give the streams and buckets yet";
  connected.watch.look(connected.manager, [streams.ready, streams.detections], connected.connected);
  const batchSize = config.batchSize === "auto" ? chooseBatchSize(session.curve) : config.batchSize;
  report(session, manifest, batchSize, log);
  metrics.session(manifest.name, id, session);
  metrics.observe({
    slots: () => batchSlots,
    busySlots: () => slots.busy,
    restarts: () => thread.restarts,
    up: () => thread.available,
  });

  const queue = new TokenQueue(connected.manager, manifest.name, config.replicas, connected.setBacks, log);
  const provision = () => queue.provision();
  await retry(provision, log, life.signal);
  const needed = ["cameras", "models", "workers"] as const;
  const buckets = await retry(() => findBuckets(connected, needed, log, life.signal), log, life.signal);
  const records = life.add(
    new KvMirror(connected, buckets.cameras, (data) => decodeJson(cameraRecordSchema, data), log),
  );
  records.onChange(({ key, value }) => {
    if (!value) metrics.forget(key);
  });
  const filters = new CameraFilters(records);
  await records.start();
  const arenas = life.add(new ArenaReaders(config.frameMemoryDirectory));
  worker = life.add(
    new InferenceWorker({
      id,
      model: manifest,
      inference: {
        modelDigest: session.engine.digest,
        precision: session.engine.precision,
        executionProvider: session.engine.provider,
      },
      batchSize,
      expectedRunMs: (frames) => runMs(session.curve, frames),
      maxDelayMs: config.maxDelayMs,
      maxAgeMs: config.maxAgeMs,
      runner: thread,
      slots,
      frames: new FrameSource(connected.connection, id, arenas),
      arenas,
      filters,
      publisher: new DetectionPublisher(connected, log),
      metrics,
      tracing,
      log,
      tokens: (onToken) =>
        new TokenSource({
          connection: connected.connection,
          model: manifest.name,
          provision,
          onToken,
          onInvalid: (error) => {
            metrics.token("invalid");
            log.warn({ error: error.message }, "a message in the token stream is no token");
          },
          log,
        }),
    }),
  );
  life.add(new QueueDepth(connected.manager, manifest.name, (tokens) => metrics.queueDepth(tokens))).start();
  worker.start();
  const announcements = new Announcements(
    buckets,
    servedModel(manifest, session.engine),
    workerInfo(id, manifest, session, batchSize),
    () => metrics.load.read(),
    log,
  );
  await life.add(announcements).start();
}

function report(session: SessionInfo, model: ModelManifest, batchSize: number, log: Logger): void {
  const { provider, precision, encoding, digest } = session.engine;
  log.info(
    {
      model: model.name,
      digest,
      executionProvider: provider,
      precision,
      encoding,
      notUsed: session.refusals.map((refusal) => `${refusal.provider}: ${refusal.reason}`),
      batchSize,
      batchCurveMs: session.curve.map(({ batch, milliseconds }) => [batch, Number(milliseconds.toFixed(2))]),
    },
    `model runs on ${provider} in ${precision} (${encoding}: ${whyEncoding(session)})`,
  );
  if (session.arithmetic === "clips")
    log.warn(
      { model: model.name, encoding },
      "this processor has no VNNI and clips sums of this model's 8-bit weights, which costs accuracy; `sightline model quantize` writes weights that it does not clip",
    );
}

function whyEncoding({ engine, arithmetic }: SessionInfo): string {
  if (engine.encoding === "trtEngine") return "the engine that was built for this GPU";
  if (engine.encoding === "fp32")
    return engine.provider === "cuda" ? "ONNX Runtime has no INT8 for CUDA" : "asked for";
  return arithmetic === "exact"
    ? "the CPU's INT8, whose 8-bit sums are exact on this processor"
    : "the CPU's only INT8, whose 8-bit sums this processor clips";
}

/** JetStream may answer only a moment after the server does. */
async function retry<T>(action: () => Promise<T>, log: Logger, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await action();
    } catch (error) {
      log.warn({ error: (error as Error).message }, "JetStream is not ready yet; trying again");
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

/** Sends what is still buffered, unless the server is away. */
async function closeConnection({ connection, connected }: Nats): Promise<void> {
  const limit = new Promise<void>((resolve) => setTimeout(resolve, flushLimitMs).unref());
  if (connected()) await Promise.race([connection.flush(), limit]);
  await connection.close();
}
