import { buckets, snapshotStore, streams } from "@sightline/contracts";

type Kept = "kept" | "passing";

/** What only describes the present comes back by itself, and would be wrong later. */
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
  // A worker that came back would go on with what was ended long ago.
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
/** The stream of leases: what is in it, lives. */
export const leasesStream = bucketStream(buckets.leases);

/**
 * The streams of a backup, in the order in which they are taken. Where the analysis stands comes before the streams that it stands in, so
 * that after a restore these have all that it has seen, and maybe more.
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
