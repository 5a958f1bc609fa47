import { JetStreamApiError, type JetStreamManager, type StreamConfig } from "@nats-io/jetstream";
import type { KV, Kvm } from "@nats-io/kv";
import { buckets, detectionsStream, leaseTtlMs, readyStream } from "@sightline/contracts";

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
    models: await kv.create(buckets.models, leased),
    workers: await kv.create(buckets.workers, leased),
  };
}

/** Creates the streams that carry tokens and detections. */
export async function ensureStreams(
  manager: JetStreamManager,
  retention: { maxAgeSeconds: number; maxBytes: number; replicas: number },
): Promise<void> {
  await ensureStream(manager, readyStream(retention.replicas));
  await ensureStream(manager, detectionsStream(retention));
}
