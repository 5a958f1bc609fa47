import { buckets, snapshotStore, streams } from "@sightline/contracts";

type Kept = "kept" | "passing";

/** Data that only describes the present is created again by itself, and would be wrong later. */
const ofStreams: Record<keyof typeof streams, Kept> = {
  ready: "passing",
  detections: "kept",
  timeline: "kept",
  events: "kept",
  deadLetters: "kept",
  audit: "kept",
};

const ofBuckets: Record<keyof typeof buckets, Kept> = {
  access: "kept",
  cameras: "kept",
  recordStreams: "kept",
  cameraShares: "kept",
  cameraCredentials: "kept",
  cameraSecrets: "kept",
  cameraStatus: "kept",
  leases: "passing",
  holders: "passing",
  cameraRules: "kept",
  analysisState: "kept",
  subscriptions: "kept",
  models: "passing",
  workers: "passing",
  modelVersions: "kept",
  // A worker with a restored entry would continue a shadow run that ended long ago.
  modelShadows: "passing",
  shadowReports: "kept",
  shadowPictures: "kept",
  modelJobs: "kept",
  modelStore: "kept",
  modelFiles: "kept",
  eventReviews: "kept",
  streamMakings: "kept",
  floorClaims: "passing",
  sitePlaces: "kept",
};

const bucketStream = (bucket: string) => `KV_${bucket}`;
/** The stream of leases: an entry in it belongs to something that lives. */
export const leasesStream = bucketStream(buckets.leases);

/**
 * The streams of a backup, in the order in which they are saved. The analysis's positions come before the streams that they point into, so
 * after a restore these streams contain everything that the analysis has processed, and perhaps more.
 */
export const keptStreams: readonly string[] = [
  bucketStream(buckets.analysisState),
  ...names(buckets, ofBuckets)
    .filter((bucket) => bucket !== buckets.analysisState)
    .map(bucketStream),
  ...names(streams, ofStreams),
  `OBJ_${snapshotStore}`,
];

function names<K extends string>(all: Readonly<Record<K, string>>, kinds: Record<K, Kept>): string[] {
  return (Object.keys(all) as K[]).filter((key) => kinds[key] === "kept").map((key) => all[key]);
}
