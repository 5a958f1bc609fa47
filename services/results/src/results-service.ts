import {
  CameraServiceService,
  cameraRecordSchema,
  decodeJson,
  leaseTtlMs,
  servedModelSchema,
} from "@sightline/contracts";
import {
  connectNats,
  createRegistry,
  ensureStreams,
  HttpServer,
  isLoopback,
  KvMirror,
  type Lifecycle,
  type Logger,
  openBuckets,
  type ReadinessCheck,
} from "@sightline/service";
import { DetectionConsumer } from "./analysis/detection-consumer.ts";
import { CameraFeed } from "./cameras/camera-feed.ts";
import { cameraHandlers } from "./cameras/camera-handlers.ts";
import { CameraRegistry } from "./cameras/camera-registry.ts";
import { CameraService } from "./cameras/camera-service.ts";
import { CameraStatusView, decodeStatus } from "./cameras/camera-status-view.ts";
import { ModelCatalog } from "./cameras/model-catalog.ts";
import type { ResultsConfig } from "./config.ts";
import { detectionHandlers, preEncodedDetectionService } from "./feeds/detection-handlers.ts";
import { DetectionHub } from "./feeds/detection-hub.ts";
import { DetectionService } from "./feeds/detection-service.ts";
import { GrpcCalls } from "./grpc/grpc-calls.ts";
import { GrpcServer } from "./grpc/grpc-server.ts";
import { ResultsMetrics } from "./results-metrics.ts";
import { StreamMetrics } from "./stream-metrics.ts";

const version = "0.1.0";

/** Where a started service listens. */
export interface ResultsAddresses {
  grpc: string;
  http: string;
}

/** Starts the results service; its parts are stopped through `life`. */
export async function startResults(
  config: ResultsConfig,
  log: Logger,
  life: Lifecycle,
): Promise<ResultsAddresses> {
  const prometheus = createRegistry("results", version);
  const readiness: Record<string, ReadinessCheck> = {
    nats: () => "NATS has not been reached yet",
    detections: () => "the stream of detections is not being read yet",
  };
  // First, so that health and metrics can be read while NATS is waited for.
  const http = life.add(new HttpServer(prometheus, readiness));
  const httpAddress = await http.listen(config.http);
  const streamMetrics = life.add(new StreamMetrics(prometheus));

  const nats = await connectNats(config.natsUrl, "results", log, { signal: life.signal });
  life.add({ stop: () => nats.connection.close() });
  streamMetrics.start(nats);
  readiness.nats = () => (nats.connected() ? undefined : "NATS does not answer");
  await ensureStreams(nats.manager, {
    maxAgeSeconds: Math.round(config.maxAgeHours * 3600),
    maxBytes: config.maxBytes,
    replicas: config.replicas,
  });
  const buckets = await openBuckets(nats.kv, config.replicas);

  const records = life.add(
    new KvMirror(nats, buckets.cameras, (data) => decodeJson(cameraRecordSchema, data), log),
  );
  const statuses = life.add(new KvMirror(nats, buckets.cameraStatus, decodeStatus, log));
  const models = life.add(
    new KvMirror(nats, buckets.models, (data) => decodeJson(servedModelSchema, data), log, leaseTtlMs),
  );
  const cameraStatus = life.add(new CameraStatusView(statuses));
  await Promise.all([records.start(), statuses.start(), models.start()]);

  const registry = new CameraRegistry(buckets.cameras, buckets.cameraSecrets, records);
  const feed = life.add(new CameraFeed(registry, records, cameraStatus));
  const hub = new DetectionHub();
  const metrics = new ResultsMetrics(
    prometheus,
    { subscribers: () => hub.size, held: () => consumer.held },
    (camera) => records.get(camera) !== undefined,
  );
  records.onChange(({ key, value }) => {
    if (!value) metrics.forgetCamera(key);
  });
  const consumer = new DetectionConsumer(
    nats,
    config.reorderWindowMs,
    {
      frame: (event, late) => {
        hub.publish(event);
        metrics.frame(event, late);
      },
      invalid: () => metrics.invalid(),
      lag: (messages) => metrics.lag(messages),
    },
    log,
  );
  life.add(consumer);
  await consumer.start();
  readiness.detections = () => (consumer.reading ? undefined : "the stream of detections is not being read");

  const calls = new GrpcCalls(log, (method, code) => metrics.call(method, code));
  const grpc = life.add(new GrpcServer(() => calls.endStreams()));
  const cameras = new CameraService(registry, cameraStatus, new ModelCatalog(config.defaultModel, models));
  const detections = new DetectionService(
    hub,
    { maxSubscribers: config.maxSubscribers, maxFrames: config.subscriberBuffer },
    metrics,
  );
  grpc.addService(CameraServiceService, cameraHandlers(calls, cameras, feed));
  grpc.addService(preEncodedDetectionService, detectionHandlers(calls, detections));
  const port = await grpc.listen(config.grpc);
  const health = setInterval(() => grpc.setServing(nats.connected() && consumer.reading), 250);
  life.add({ stop: async () => clearInterval(health) });

  const addresses = { grpc: `${hostOf(config.grpc)}:${port}`, http: httpAddress };
  for (const [what, address] of Object.entries(addresses))
    if (!isLoopback(address))
      log.warn({ address }, `${what} is open to the network at ${address}, without TLS or authentication`);
  log.info(addresses, "results is ready");
  return addresses;
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
