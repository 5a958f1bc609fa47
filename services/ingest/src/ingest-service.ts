import { hostname } from "node:os";
import {
  cameraRecordSchema,
  decodeJson,
  leaseTtlMs,
  readyStream,
  servedModelSchema,
} from "@sightline/contracts";
import { findFfmpeg } from "@sightline/rtsp";
import {
  Announcement,
  connectNats,
  createRegistry,
  ensureStream,
  HttpServer,
  isLoopback,
  KvMirror,
  type Lifecycle,
  type Logger,
  openBuckets,
} from "@sightline/service";
import { CameraAssignment, presenceKey } from "./camera-assignment.ts";
import type { IngestConfig } from "./config.ts";
import { IngestMetrics } from "./ingest-metrics.ts";

const version = "0.1.0";

/** Starts the ingest service; its parts are stopped through `life`. Returns the HTTP address as bound. */
export async function startIngest(config: IngestConfig, log: Logger, life: Lifecycle): Promise<string> {
  const ingest = config.id ?? `${hostname()}-${process.pid}`;
  const ffmpeg = await findFfmpeg(config.ffmpegPath);
  let assignment: CameraAssignment | undefined;
  const nats = await connectNats(config.natsUrl, `ingest ${ingest}`, log, {
    signal: life.signal,
    onReconnect: () => {
      for (const runner of assignment?.runners() ?? []) runner.natsReturned();
    },
  });
  life.add({ stop: () => nats.connection.close() });
  await ensureStream(nats.manager, readyStream(config.replicas));
  const buckets = await openBuckets(nats.kv, config.replicas);

  const text = new TextDecoder();
  const records = life.add(
    new KvMirror(nats, buckets.cameras, (data) => decodeJson(cameraRecordSchema, data), log),
  );
  const models = life.add(
    new KvMirror(nats, buckets.models, (data) => decodeJson(servedModelSchema, data), log, leaseTtlMs),
  );
  const leases = life.add(new KvMirror(nats, buckets.leases, (data) => text.decode(data), log, leaseTtlMs));
  const registry = createRegistry("ingest", version);
  const metrics = new IngestMetrics(registry, () => assignment?.runners() ?? []);
  const cameras = new CameraAssignment(
    { records, leases },
    {
      nats,
      buckets,
      ingest,
      ffmpeg,
      stallMs: config.stallSeconds * 1000,
      servedModel: (name) => models.get(name),
      decoded: (camera, seconds) => metrics.decoded(camera, seconds),
    },
    log,
  );
  assignment = cameras;
  await Promise.all([records.start(), models.start(), leases.start()]);
  models.onChange(() => {
    for (const runner of cameras.runners()) runner.modelChanged();
  });
  const presence = new Announcement(buckets.leases, presenceKey(ingest), () => "present", log);
  await presence.start();
  life.add({ stop: () => presence.stop(true) });
  life.add(cameras).start();

  const http = life.add(
    new HttpServer(registry, { nats: () => (nats.connected() ? undefined : "NATS does not answer") }),
  );
  const address = await http.listen(config.http);
  if (!isLoopback(address)) log.warn({ address }, `metrics are open to the network at ${address}`);
  log.info({ http: address, ingest, ffmpeg }, "ingest is ready");
  return address;
}
