import {
  cameraRecordSchema,
  cameraShareSchema,
  decodeJson,
  leaseTtlMs,
  modelJobSchema,
  modelShadowSchema,
  modelVersionsSchema,
  recordStreamSchema,
  servedModelSchema,
  shadowReportSchema,
  storedVersionSchema,
  workerInfoSchema,
} from "@sightline/contracts";
import {
  type Buckets,
  decodeStatus,
  KvMirror,
  type Lifecycle,
  type Logger,
  type Nats,
} from "@sightline/service";
import type { ZodType } from "zod";
import { decodeReview } from "./history/event-reviews.ts";
import { decodeRules } from "./rules/rules-registry.ts";

/** The content of the buckets, mirrored in memory. */
export type Mirrors = Awaited<ReturnType<typeof startMirrors>>;

/** Begins to follow the buckets that this service reads, and waits until each was read once. They stop through `life`. */
export async function startMirrors(nats: Nats, buckets: Buckets, log: Logger, life: Lifecycle) {
  const json =
    <T>(schema: ZodType<T>) =>
    (data: Uint8Array) =>
      decodeJson(schema, data);
  const decoder = new TextDecoder();
  const text = (data: Uint8Array) => decoder.decode(data);
  const follow = <T>(bucket: keyof Buckets & string, decode: (data: Uint8Array) => T, ttlMs?: number) =>
    life.add(new KvMirror<T>(nats, buckets[bucket], decode, log, ttlMs));
  const mirrors = {
    records: follow("cameras", json(cameraRecordSchema)),
    recordStreams: follow("recordStreams", json(recordStreamSchema)),
    shares: follow("cameraShares", json(cameraShareSchema)),
    statuses: follow("cameraStatus", decodeStatus),
    models: follow("models", json(servedModelSchema), leaseTtlMs),
    workers: follow("workers", json(workerInfoSchema), leaseTtlMs),
    versions: follow("modelVersions", json(modelVersionsSchema)),
    shadows: follow("modelShadows", json(modelShadowSchema)),
    jobs: follow("modelJobs", json(modelJobSchema)),
    stored: follow("modelStore", json(storedVersionSchema)),
    reports: follow("shadowReports", json(shadowReportSchema)),
    rules: follow("cameraRules", decodeRules),
    reviews: follow("eventReviews", decodeReview),
    leases: follow("leases", text, leaseTtlMs),
    holders: follow("holders", text),
  };
  await Promise.all(Object.values(mirrors).map((mirror) => mirror.start()));
  return mirrors;
}
