import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
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
import { isJetStreamFailure } from "./jetstream-errors.ts";
import type { Logger } from "./log.ts";
import type { Nats } from "./nats.ts";

/** A stream's limit is more than is left of what NATS may store. */
export class StreamTooLargeError extends Error {
  override readonly name = "StreamTooLargeError";
  readonly stream: string;
  readonly maxBytes: number;

  constructor(stream: string, maxBytes: number, cause: unknown) {
    super(`NATS has not the ${byteText(maxBytes)} left that the stream ${stream} may take`, { cause });
    this.stream = stream;
    this.maxBytes = maxBytes;
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
 * Creates a stream, or brings an existing one to this configuration. Safe to run from several processes at once. The
 * stream's description names this making of it; see `streamMaking`. @throws StreamTooLargeError
 */
export async function ensureStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  await fitting(config.name, config.max_bytes ?? 0, () => createOrUpdate(manager, config));
}

async function createOrUpdate(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  for (;;)
    try {
      const { config: existing } = await manager.streams.info(config.name);
      await manager.streams.update(config.name, {
        ...config,
        description: existing.description || randomUUID(),
      });
      return;
    } catch (error) {
      if (!isJetStreamFailure(error, "streamNotFound")) throw error;
      if (await addStream(manager, { ...config, description: randomUUID() })) return;
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
}

/** Opens every bucket, creating those that are missing. */
export async function openBuckets(kv: Kvm, replicas = 1): Promise<Buckets> {
  const durable = { history: 1, replicas, storage: "file" } as const;
  const leased = { ...durable, ttl: leaseTtlMs };
  return {
    access: await kv.create(buckets.access, durable),
    cameras: await kv.create(buckets.cameras, durable),
    recordStreams: await kv.create(buckets.recordStreams, durable),
    cameraShares: await kv.create(buckets.cameraShares, durable),
    cameraSecrets: await kv.create(buckets.cameraSecrets, durable),
    cameraCredentials: await kv.create(buckets.cameraCredentials, durable),
    cameraStatus: await kv.create(buckets.cameraStatus, durable),
    leases: await kv.create(buckets.leases, leased),
    holders: await kv.create(buckets.holders, durable),
    cameraRules: await kv.create(buckets.cameraRules, durable),
    analysisState: await kv.create(buckets.analysisState, durable),
    subscriptions: await kv.create(buckets.subscriptions, durable),
    models: await kv.create(buckets.models, leased),
    workers: await kv.create(buckets.workers, leased),
    modelVersions: await kv.create(buckets.modelVersions, durable),
    modelShadows: await kv.create(buckets.modelShadows, durable),
    shadowReports: await kv.create(buckets.shadowReports, durable),
    shadowPictures: await kv.create(buckets.shadowPictures, durable),
    modelJobs: await kv.create(buckets.modelJobs, durable),
    modelStore: await kv.create(buckets.modelStore, durable),
    modelFiles: await kv.create(buckets.modelFiles, durable),
    eventReviews: await kv.create(buckets.eventReviews, durable),
    streamMakings: await kv.create(buckets.streamMakings, durable),
  };
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
        log.info({ bucket: buckets[name] }, "the bucket is not there yet; results makes it when it starts");
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
