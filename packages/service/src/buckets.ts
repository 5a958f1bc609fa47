import { setTimeout as delay } from "node:timers/promises";
import type { JetStreamManager } from "@nats-io/jetstream";
import type { KV, Kvm } from "@nats-io/kv";
import { TimeoutError } from "@nats-io/transport-node";
import { buckets, leaseTtlMs } from "@sightline/contracts";
import { isJetStreamFailure } from "./jetstream-errors.ts";
import type { Logger } from "./log.ts";
import type { Nats } from "./nats.ts";
import { updateStream } from "./provision.ts";

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

/** Entries of these buckets live for `leaseTtlMs` unless they are renewed. */
const leased: ReadonlySet<string> = new Set([buckets.leases, buckets.models, buckets.workers]);

/** Opens every bucket and creates missing ones. */
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
 * Opens every bucket, creates missing ones and changes the others to this configuration; their content stays.
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
    await updateStream(manager, {
      ...{ name, num_replicas: replicas, max_msgs_per_subject: 1, storage: "file", max_age: age },
      // NATS refuses a window that is longer than the maximum age.
      duplicate_window: Math.min(age || Infinity, 120_000_000_000),
    });
  }
  return opened;
}

/**
 * Opens these buckets when they exist; results creates them. Until then it waits and logs that, until `signal` aborts.
 * @throws when NATS reports any other error than a missing bucket
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
        log.info(
          { bucket: buckets[name] },
          "the bucket does not exist yet; results creates it when it starts",
        );
      await delay(250);
    }
    found[name] = await kv.open(buckets[name], { allow_direct: true });
  }
  return found as Pick<Buckets, K>;
}

/** Whether a bucket exists. If the server does not answer now, the request is repeated. */
async function hasBucket(manager: JetStreamManager, bucket: string): Promise<boolean> {
  try {
    await manager.streams.info(`KV_${bucket}`);
    return true;
  } catch (error) {
    if (isJetStreamFailure(error, "streamNotFound") || error instanceof TimeoutError) return false;
    throw error;
  }
}
