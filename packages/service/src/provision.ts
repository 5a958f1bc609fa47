import { randomUUID } from "node:crypto";
import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
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
import { isJetStreamFailure } from "./jetstream-errors.ts";

/**
 * Creates a stream, or brings an existing one to this configuration. Safe to run from several processes at once. The
 * stream's description names this making of it; see `streamMaking`.
 */
export async function ensureStream(
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

/**
 * What tells a stream from one of the same name that was made later, whose sequences begin anew. The time at which it
 * was made would not: nats-server 2.9 changes it when it is restarted after an update of the configuration.
 */
export function streamMaking({ config, created }: StreamInfo): string {
  return config.description || created;
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
