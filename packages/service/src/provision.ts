import { JetStreamApiError, type JetStreamManager, type StreamConfig } from "@nats-io/jetstream";
import type { KV, Kvm } from "@nats-io/kv";
import {
  buckets,
  deadLettersStream,
  detectionsStream,
  eventsStream,
  leaseTtlMs,
  type Retention,
  readyStream,
  timelineStream,
} from "@sightline/contracts";

const streamNotFound = 10059;

/** Creates a stream, or brings an existing one to this configuration. Safe to run from several processes at once. */
export async function ensureStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  try {
    await manager.streams.info(config.name);
    await manager.streams.update(config.name, config);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== streamNotFound) throw error;
    await manager.streams.add(config as StreamConfig & { name: string });
  }
}

/** The key-value buckets of the system, opened or created. */
export interface Buckets {
  cameras: KV;
  cameraSecrets: KV;
  cameraStatus: KV;
  leases: KV;
  cameraRules: KV;
  analysisState: KV;
  subscriptions: KV;
  models: KV;
  workers: KV;
}

/** Opens every bucket, creating those that are missing. */
export async function openBuckets(kv: Kvm, replicas = 1): Promise<Buckets> {
  const durable = { history: 1, replicas, storage: "file" } as const;
  const leased = { ...durable, ttl: leaseTtlMs };
  return {
    cameras: await kv.create(buckets.cameras, durable),
    cameraSecrets: await kv.create(buckets.cameraSecrets, durable),
    cameraStatus: await kv.create(buckets.cameraStatus, durable),
    leases: await kv.create(buckets.leases, leased),
    cameraRules: await kv.create(buckets.cameraRules, durable),
    analysisState: await kv.create(buckets.analysisState, durable),
    subscriptions: await kv.create(buckets.subscriptions, durable),
    models: await kv.create(buckets.models, leased),
    workers: await kv.create(buckets.workers, leased),
  };
}

/** Creates the streams that carry tokens and what workers found. */
export async function ensureStreams(manager: JetStreamManager, detections: Retention): Promise<void> {
  await ensureStream(manager, readyStream(detections.replicas));
  await ensureStream(manager, detectionsStream(detections));
}

/** Creates the streams that carry what the analysis makes of it. */
export async function ensureResultStreams(
  manager: JetStreamManager,
  kept: { timeline: Retention; events: Retention; deadLetters: Retention },
): Promise<void> {
  await ensureStream(manager, timelineStream(kept.timeline));
  await ensureStream(manager, eventsStream(kept.events));
  await ensureStream(manager, deadLettersStream(kept.deadLetters));
}
