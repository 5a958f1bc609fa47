import { randomUUID } from "node:crypto";
import { CameraRules, cameraRecordSchema, decodeJson, leaseTtlMs, streams } from "@sightline/contracts";
import {
  CameraStatusView,
  decodeStatus,
  findBuckets,
  KvMirror,
  type Lifecycle,
  type Logger,
  patiently,
  ServerClock,
  ServiceStart,
  SnapshotStore,
  Tracing,
} from "@sightline/service";
import { analysisBuckets } from "./analysis-context.ts";
import type { AnalysisConfig } from "./config.ts";
import { startAnalysis } from "./start-analysis.ts";

const version = "0.1.0";

/**
 * Starts the analysis as a separate service besides results; its parts are stopped through `life`. Returns the address of
 * its metrics and health.
 */
export async function startAnalysisService(
  config: AnalysisConfig,
  log: Logger,
  life: Lifecycle,
): Promise<{ http: string }> {
  const start = new ServiceStart({ service: "analysis", version }, log, life);
  const http = await start.listen(config.http);
  const tracing = life.add(await Tracing.start("analysis", version, config, log));
  const { detections, timeline, events } = streams;
  const nats = await start.connect(config, "analysis", [detections, timeline, events]);
  start.waitsFor("JetStream does not give the streams and buckets yet; results makes them");
  // For any JetStream fault: `/readyz` reports it, and the analysis continues when it is repaired.
  const always = () => true;
  const find = () => findBuckets(nats, analysisBuckets, log, life.signal);
  const buckets = await patiently(find, log, life.signal, always);

  start.waitsFor("the buckets of cameras, rules and leases have not been read yet");
  const decoder = new TextDecoder();
  const text = (data: Uint8Array) => decoder.decode(data);
  const mirrors = {
    records: new KvMirror(nats, buckets.cameras, (data) => decodeJson(cameraRecordSchema, data), log),
    holders: new KvMirror(nats, buckets.holders, text, log),
    leases: new KvMirror(nats, buckets.leases, text, log, leaseTtlMs),
    rules: new KvMirror(nats, buckets.cameraRules, (data) => CameraRules.decode(data), log),
  };
  const statuses = new KvMirror(nats, buckets.cameraStatus, decodeStatus, log);
  const all = [...Object.values(mirrors), statuses];
  await Promise.all(all.map((mirror) => life.add(mirror).start()));
  const cameraStatus = life.add(new CameraStatusView(statuses));
  const serverClock = life.add(new ServerClock(buckets.leases, `clock.${randomUUID()}`, log));
  await serverClock.start();
  const snapshots = await SnapshotStore.existing(nats);

  const parts = { nats, buckets, mirrors, cameraStatus, serverClock, tracing, snapshots };
  await startAnalysis({ ...parts, prometheus: start.registry }, config, log, life);
  start.done();
  log.info({ http }, "analysis is ready");
  return { http };
}
