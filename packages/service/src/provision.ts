import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import {
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import type { KV, Kvm } from "@nats-io/kv";
import { TimeoutError } from "@nats-io/transport-node";
import {
  auditStream,
  buckets,
  deadLettersStream,
  detectionsStream,
  eventsStream,
  leaseTtlMs,
  type Retention,
  readyStream,
  timelineStream,
} from "@sightline/contracts";
import { byteText } from "./disk-room.ts";
import { isJetStreamFailure, isPassing } from "./jetstream-errors.ts";
import type { Logger } from "./log.ts";
import type { Nats } from "./nats.ts";

/** A stream's limit is more than is left of what NATS may store. */
export class StreamTooLargeError extends Error {
  override readonly name = "StreamTooLargeError";
  readonly stream: string;
  readonly maxBytes: number;

  constructor(stream: string, maxBytes: number, cause: unknown) {
    super(`the stream ${stream} may take ${byteText(maxBytes)}, but NATS has less storage left`, { cause });
    this.stream = stream;
    this.maxBytes = maxBytes;
  }
}

/** NATS does not bring a stream that is there to the configuration of this version. Nothing was changed. */
export class StreamConflictError extends Error {
  override readonly name = "StreamConflictError";
  readonly stream: string;

  constructor(stream: string, differences: readonly string[], why: string, advice: string, cause?: Error) {
    super(
      `NATS does not change the stream ${stream} as this version needs it${differences.length > 0 ? ` (${differences.join(", ")})` : ""}: ${why}. ${advice}`,
      { cause },
    );
    this.stream = stream;
  }
}

/** Runs what creates or changes a stream. @throws StreamTooLargeError when the stream's limit does not fit */
export async function fitting<R>(stream: string, maxBytes: number, change: () => Promise<R>): Promise<R> {
  try {
    return await change();
  } catch (error) {
    if (!isJetStreamFailure(error, "insufficientStorage")) throw error;
    throw new StreamTooLargeError(stream, maxBytes, error);
  }
}

/**
 * Creates a stream, or brings an existing one to this configuration, with all that it holds. Safe to run from several processes at
 * once, and while others publish. The stream's description names this making of it; see `streamMaking`.
 * @throws StreamTooLargeError, StreamConflictError
 */
export async function ensureStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  await fitting(config.name, config.max_bytes ?? 0, () => createOrUpdate(manager, config));
}

/** How long a stream that is made or deleted by others at the same time is tried again. */
const [changeLimitMs, changeAgainMs] = [10_000, 100];

async function createOrUpdate(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  const deadline = performance.now() + changeLimitMs;
  for (;;)
    try {
      const existing = await manager.streams.info(config.name);
      const description = existing.config.description || randomUUID();
      await bringTo(manager, existing, { ...config, description });
      return;
    } catch (error) {
      if (!isJetStreamFailure(error, "streamNotFound")) throw error;
      if (performance.now() > deadline) throw deniedStream(config.name, error as JetStreamApiError);
      if (await addStream(manager, { ...config, description: randomUUID() })) return;
      // Made or deleted by another process meanwhile; or NATS says of a stream that is there that it is not, as 2.9 does of one that gets fewer copies.
      await delay(changeAgainMs);
    }
}

/** NATS says both that a stream is not there and that its name is taken. */
function deniedStream(name: string, cause: Error): StreamConflictError {
  return new StreamConflictError(
    name,
    [],
    `it has said for ${changeLimitMs / 1_000} s that the stream is not there, and that its name is taken (nats-server 2.9 does so when SIGHTLINE_NATS_REPLICAS is lowered)`,
    "Set SIGHTLINE_NATS_REPLICAS to what it was before, restart the NATS servers one after the other, and start the services again; for fewer copies make a backup (`sightline backup`) and restore it into a new NATS",
    cause,
  );
}

/** Changes an existing stream where it differs. @throws StreamConflictError */
async function bringTo(
  manager: JetStreamManager,
  { config: existing, cluster }: StreamInfo,
  wanted: Partial<StreamConfig> & { name: string },
): Promise<void> {
  const { name, num_replicas: copies = 1 } = wanted;
  const differing = (Object.keys(wanted) as (keyof StreamConfig)[]).filter(
    (key) => !isDeepStrictEqual(existing[key], wanted[key]),
  );
  if (differing.length === 0) return;
  const words = (value: unknown) => JSON.stringify(value) ?? "none";
  const differences = differing
    .filter((key) => key !== "description")
    .map((key) => `${key}: ${words(wanted[key])} instead of ${words(existing[key])}`);
  const noCluster = `Start ${copies} NATS servers as a cluster, or set SIGHTLINE_NATS_REPLICAS to 1`;
  // NATS 2.9 takes such a number, and keeps one copy.
  if (copies > 1 && cluster === undefined)
    throw new StreamConflictError(name, differences, "it is no cluster", noCluster);
  try {
    await manager.streams.update(name, wanted);
  } catch (error) {
    const isRefusal = error instanceof JetStreamApiError && !isPassing(error);
    const isOwn =
      isJetStreamFailure(error, "streamNotFound") || isJetStreamFailure(error, "insufficientStorage");
    if (!isRefusal || isOwn) throw error;
    const anew = `Make a backup (\`sightline backup\`), stop the services, and delete the stream with NATS's own tool (\`nats stream rm ${name}\`): it is made anew, and its content is lost`;
    const advice = isJetStreamFailure(error, "replicasNotSupported") ? noCluster : anew;
    throw new StreamConflictError(name, differences, error.message, advice, error);
  }
}

/** Returns whether it was this process that made the stream. */
async function addStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<boolean> {
  try {
    await manager.streams.add(config as StreamConfig & { name: string });
    return true;
  } catch (error) {
    if (isJetStreamFailure(error, "streamNameInUse")) return false;
    throw error;
  }
}

/** Deletes a stream with all that it holds and makes it anew, empty, with the same configuration. */
export async function remakeStream(manager: JetStreamManager, name: string): Promise<void> {
  const { config } = await manager.streams.info(name);
  await manager.streams.delete(name);
  await addStream(manager, { ...config, description: randomUUID() });
}

/**
 * What tells a stream from one of the same name that was made later, whose sequences begin anew. The time at which it
 * was made would not: nats-server 2.9 changes it when it is restarted after an update of the configuration.
 */
export function streamMaking({ config, created }: StreamInfo): string {
  return config.description || created;
}

/** The key-value buckets of the system, opened or created. */
export interface Buckets {
  access: KV;
  cameras: KV;
  recordStreams: KV;
  cameraShares: KV;
  cameraSecrets: KV;
  cameraCredentials: KV;
  cameraStatus: KV;
  leases: KV;
  holders: KV;
  cameraRules: KV;
  analysisState: KV;
  subscriptions: KV;
  models: KV;
  workers: KV;
  modelVersions: KV;
  modelShadows: KV;
  shadowReports: KV;
  shadowPictures: KV;
  modelJobs: KV;
  modelStore: KV;
  modelFiles: KV;
  eventReviews: KV;
  streamMakings: KV;
  floorClaims: KV;
  sitePlaces: KV;
}

/** Of these an entry lives `leaseTtlMs` unless it is renewed. */
const leased: ReadonlySet<string> = new Set([buckets.leases, buckets.models, buckets.workers]);

/** Opens every bucket, creating those that are missing. */
export async function openBuckets(kv: Kvm, replicas = 1): Promise<Buckets> {
  const open = (bucket: string) =>
    kv.create(bucket, {
      ...{ history: 1, replicas, storage: "file" as const },
      ...(leased.has(bucket) && { ttl: leaseTtlMs }),
    });
  return {
    access: await open(buckets.access),
    cameras: await open(buckets.cameras),
    recordStreams: await open(buckets.recordStreams),
    cameraShares: await open(buckets.cameraShares),
    cameraSecrets: await open(buckets.cameraSecrets),
    cameraCredentials: await open(buckets.cameraCredentials),
    cameraStatus: await open(buckets.cameraStatus),
    leases: await open(buckets.leases),
    holders: await open(buckets.holders),
    cameraRules: await open(buckets.cameraRules),
    analysisState: await open(buckets.analysisState),
    subscriptions: await open(buckets.subscriptions),
    models: await open(buckets.models),
    workers: await open(buckets.workers),
    modelVersions: await open(buckets.modelVersions),
    modelShadows: await open(buckets.modelShadows),
    shadowReports: await open(buckets.shadowReports),
    shadowPictures: await open(buckets.shadowPictures),
    modelJobs: await open(buckets.modelJobs),
    modelStore: await open(buckets.modelStore),
    modelFiles: await open(buckets.modelFiles),
    eventReviews: await open(buckets.eventReviews),
    streamMakings: await open(buckets.streamMakings),
    floorClaims: await open(buckets.floorClaims),
    sitePlaces: await open(buckets.sitePlaces),
  };
}

/**
 * Opens every bucket, creating those that are missing and bringing the others to this configuration, with all that they hold.
 * @throws StreamConflictError
 */
export async function ensureBuckets(
  { manager, kv }: Pick<Nats, "manager" | "kv">,
  replicas: number,
): Promise<Buckets> {
  const opened = await openBuckets(kv, replicas);
  for (const bucket of Object.values(buckets)) {
    const name = `KV_${bucket}`;
    const age = leased.has(bucket) ? leaseTtlMs * 1_000_000 : 0;
    await bringTo(manager, await knownStream(manager, name), {
      ...{ name, num_replicas: replicas, max_msgs_per_subject: 1, storage: "file", max_age: age },
      // NATS refuses a longer one than the age.
      duplicate_window: Math.min(age || Infinity, 120_000_000_000),
    });
  }
  return opened;
}

/** A stream that was there a moment ago. @throws StreamConflictError when NATS denies it for long */
async function knownStream(manager: JetStreamManager, name: string): Promise<StreamInfo> {
  const deadline = performance.now() + changeLimitMs;
  for (;;)
    try {
      return await manager.streams.info(name);
    } catch (error) {
      if (!isJetStreamFailure(error, "streamNotFound")) throw error;
      if (performance.now() > deadline) throw deniedStream(name, error as JetStreamApiError);
      await delay(changeAgainMs);
    }
}

/**
 * Opens these buckets when they are there; results makes them. Waits for them until `signal` aborts, and says so.
 * @throws when NATS says anything else than that one is missing
 */
export async function findBuckets<K extends keyof Buckets>(
  { manager, kv }: Pick<Nats, "manager" | "kv">,
  names: readonly K[],
  log: Logger,
  signal: AbortSignal,
): Promise<Pick<Buckets, K>> {
  const found: Partial<Buckets> = {};
  for (const name of names) {
    for (let attempt = 0; !(await hasBucket(manager, buckets[name])); attempt++) {
      signal.throwIfAborted();
      if (attempt % 40 === 0)
        log.info({ bucket: buckets[name] }, "the bucket does not exist yet; results makes it when it starts");
      await delay(250);
    }
    found[name] = await kv.open(buckets[name], { allow_direct: true });
  }
  return found as Pick<Buckets, K>;
}

/** Whether a bucket is there. A server that gives no answer now is asked again. */
async function hasBucket(manager: JetStreamManager, bucket: string): Promise<boolean> {
  try {
    await manager.streams.info(`KV_${bucket}`);
    return true;
  } catch (error) {
    if (isJetStreamFailure(error, "streamNotFound") || error instanceof TimeoutError) return false;
    throw error;
  }
}

/** Creates the streams that carry tokens and what workers found. */
export async function ensureStreams(manager: JetStreamManager, detections: Retention): Promise<void> {
  await ensureStream(manager, readyStream(detections.replicas));
  await ensureStream(manager, detectionsStream(detections));
}

/** Creates the streams that carry what the analysis makes of it. */
export async function ensureResultStreams(
  manager: JetStreamManager,
  kept: { timeline: Retention; events: Retention; deadLetters: Retention; audit: Retention },
): Promise<void> {
  await ensureStream(manager, timelineStream(kept.timeline));
  await ensureStream(manager, eventsStream(kept.events));
  await ensureStream(manager, deadLettersStream(kept.deadLetters));
  await ensureStream(manager, auditStream(kept.audit));
}
