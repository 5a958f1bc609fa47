import { analysisPresence, buckets, setAsideStream, snapshotStore, streams } from "./subjects.ts";

/** Who connects to a NATS with access control: each service, and one identity for a person or tool that may do everything. */
export const natsIdentities = ["results", "analysis", "ingest", "inference", "operator"] as const;
export type NatsIdentity = (typeof natsIdentities)[number];

/** Subjects that an identity may publish to and subscribe to; the server refuses all others. */
export interface NatsPermissions {
  publish: readonly string[];
  subscribe: readonly string[];
}

/** Prefix of the subjects for answers to an identity's requests, so that no other identity can listen to them. */
export function inboxPrefix(identity: string): string {
  return `_INBOX.${identity}`;
}

const inboxOf = (identity: NatsIdentity) => `${inboxPrefix(identity)}.>`;
/** What JetStream's server tells every client, and the flow-control answers for push consumers. */
const everyone = ["$JS.API.INFO", "$JS.FC.>"];

/** What is needed to read a stream with an own consumer, or message by message. */
export function reads(stream: string): string[] {
  return [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.MSG.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}.>`,
    ...consumes(stream, "*"),
  ];
}

function consumes(stream: string, consumer: string): string[] {
  return [
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.${consumer}`,
    `$JS.API.CONSUMER.INFO.${stream}.${consumer}`,
    `$JS.API.CONSUMER.DELETE.${stream}.${consumer}`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
    `$JS.ACK.${stream}.>`,
  ];
}

const readsBucket = (bucket: string) => reads(`KV_${bucket}`);
const writesBucket = (bucket: string, key = ">") => `$KV.${bucket}.${key}`;
/** The work queue: the first of its users that finds it missing creates it. */
const makesReady = ["INFO", "CREATE", "UPDATE"].map((verb) => `$JS.API.STREAM.${verb}.${streams.ready}`);

/**
 * What each identity needs and nothing else. Results creates all streams and buckets and repairs damaged ones, so it may use all of JetStream; it has
 * no access to pixels. The analysis has no access to passwords and users and cannot change a camera. A worker has no access to secrets and events and
 * cannot change a camera.
 */
export const natsPermissions: Readonly<Record<NatsIdentity, NatsPermissions>> = {
  results: {
    publish: [
      "$JS.API.>",
      "$JS.FC.>",
      "$JS.ACK.>",
      "$KV.>",
      `$O.${snapshotStore}.>`,
      "timeline.*",
      "events.*.*",
      "dead-letters.*",
      "redeliveries.*",
      "set-aside.>",
      "audit.>",
      "pictures.get.*",
      "recordings.find.*",
      "cameras.probe",
    ],
    subscribe: [inboxOf("results"), "frames.dropped.*", "shadows.*", "$JS.ACK.>"],
  },
  // Results is also allowed this, since both can run in one process.
  analysis: {
    publish: [
      ...everyone,
      ...[streams.detections, streams.timeline, streams.events, setAsideStream].flatMap(reads),
      ...[
        buckets.cameras,
        buckets.cameraStatus,
        buckets.cameraRules,
        buckets.analysisState,
        buckets.leases,
        buckets.holders,
        buckets.streamMakings,
      ].flatMap(readsBucket),
      writesBucket(buckets.analysisState),
      ...["session.tracker.>", `${analysisPresence}.>`, "clock.>"].map((key) =>
        writesBucket(buckets.leases, key),
      ),
      writesBucket(buckets.holders, "tracker.>"),
      "timeline.*",
      "events.*.*",
      "pictures.get.*",
      // Pictures of events: replaced ones are purged, and the oldest ones when space runs out.
      ...reads(`OBJ_${snapshotStore}`),
      `$JS.API.STREAM.PURGE.OBJ_${snapshotStore}`,
      `$O.${snapshotStore}.>`,
    ],
    subscribe: [inboxOf("analysis"), "frames.dropped.*"],
  },
  ingest: {
    publish: [
      ...everyone,
      ...makesReady,
      ...reads(streams.ready),
      `$JS.API.STREAM.MSG.DELETE.${streams.ready}`,
      ...reads(streams.detections),
      // To learn which parts of a recording events need.
      ...reads(streams.events),
      ...readsBucket(buckets.cameras),
      ...readsBucket(buckets.recordStreams),
      ...readsBucket(buckets.cameraShares),
      // How many frames the workers can run, to know which floors can be held.
      ...readsBucket(buckets.workers),
      ...readsBucket(buckets.cameraSecrets),
      ...readsBucket(buckets.cameraCredentials),
      ...readsBucket(buckets.cameraStatus),
      ...readsBucket(buckets.models),
      ...readsBucket(buckets.leases),
      ...readsBucket(buckets.holders),
      writesBucket(buckets.cameraStatus),
      ...["session.camera.>", "ingest.>", "clock.>"].map((key) => writesBucket(buckets.leases, key)),
      writesBucket(buckets.holders, "camera.>"),
      "ready.*.*",
      "handovers.camera.*",
      // Answers to requesters: frames, pictures, results of a probe, and whether it is ready to take over a camera.
      inboxOf("inference"),
      inboxOf("results"),
      inboxOf("analysis"),
      inboxOf("ingest"),
    ],
    subscribe: [
      inboxOf("ingest"),
      "frames.get.*",
      "frames.dropped.*",
      "detections.*",
      "pictures.get.*",
      "recordings.find.*",
      "cameras.probe",
      "handovers.camera.*",
    ],
  },
  inference: {
    publish: [
      ...everyone,
      ...makesReady,
      ...consumes(streams.ready, "*"),
      `$JS.API.STREAM.INFO.${streams.detections}`,
      ...readsBucket(buckets.cameras),
      ...readsBucket(buckets.modelVersions),
      ...readsBucket(buckets.modelShadows),
      ...readsBucket(buckets.modelStore),
      // Jobs and their results, and the files of models that workers have prepared.
      ...[buckets.models, buckets.workers, buckets.modelJobs, buckets.modelFiles].flatMap((bucket) => [
        ...readsBucket(bucket),
        writesBucket(bucket),
      ]),
      "frames.get.*",
      "frames.dropped.*",
      "detections.*",
      "shadows.*",
    ],
    subscribe: [inboxOf("inference")],
  },
  operator: { publish: [">"], subscribe: [">"] },
};
