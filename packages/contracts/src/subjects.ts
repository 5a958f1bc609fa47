/** Names of everything on NATS: subjects, streams, key-value buckets. A camera is named by its id (resource-names.ts). */
export const subjects = {
  /** Tokens that say "this camera has a frame"; one subject per model and camera, in stream READY. */
  ready: (model: string, camera: string) => `ready.${model}.${camera}`,
  /** Request: the newest frame of a camera, in exchange for a token. Answered by the ingest that holds the camera. */
  frameGet: (camera: string) => `frames.get.${camera}`,
  /** A worker's notice that it will not infer a frame it was given; `*` for all cameras. */
  frameDropped: (camera: string) => `frames.dropped.${camera}`,
  /** Encoded FrameDetections as workers publish them, in stream DETECTIONS. */
  detections: (camera: string) => `detections.${camera}`,
  /** Encoded TimelineEntry, in stream TIMELINE: a camera's frames in order, with tracks. */
  timeline: (camera: string) => `timeline.${camera}`,
  /** Encoded Event, in stream EVENTS; `event` is the last part of its resource name. */
  event: (camera: string, event: string) => `events.${camera}.${event}`,
  /** Encoded DeadLetter, in stream DEAD_LETTERS. */
  deadLetter: (subscription: string) => `dead-letters.${subscription}`,
  /** Encoded DeadLetter that is to be delivered again, in stream DEAD_LETTERS. */
  redelivery: (subscription: string) => `redeliveries.${subscription}`,
  /** AuditRecord, in stream AUDIT; `action` may consist of parts separated by dots. */
  audit: (action: string) => `audit.${action}`,
  /** Request: the picture of a recent frame, as JPEG. Answered by the ingest that holds the camera. */
  pictureGet: (camera: string) => `pictures.get.${camera}`,
  /** Request: what is recorded of a camera in a range of time (recordings.ts). Every ingest answers, even one that has nothing. */
  recordingsFind: (camera: string) => `recordings.find.${camera}`,
  /** ShadowMessage: a worker's result for a shadow; it is lost when nobody listens. */
  shadow: (shadow: string) => `shadows.${shadow}`,
  /** Request: what a camera offers; it need not be registered. Answered by any ingest. */
  cameraProbe: "cameras.probe",
  /**
   * Request: get ready for something that another process is about to hand over. Answered by the process that owns the session in the
   * subject.
   */
  handOver: (kind: string, session: string) => `handovers.${kind}.${session}`,
} as const;

export const streams = {
  ready: "READY",
  detections: "DETECTIONS",
  timeline: "TIMELINE",
  events: "EVENTS",
  deadLetters: "DEAD_LETTERS",
  audit: "AUDIT",
} as const;

/** Stream with the messages that could still be read from a damaged stream; the process that repairs the stream creates it. */
export const setAsideStream = "SET_ASIDE";

/** Queue group of the ingests that answer `subjects.cameraProbe`. */
export const probeQueue = "ingest";

/** First part of the keys in the bucket of leases under which ingests announce that they are running. */
export const ingestPresence = "ingest";

/** The same for the processes that analyse cameras; the name is that of the service that once did this alone. */
export const analysisPresence = "results";

/** Object store for pictures of events; an object's name is `{camera}/{event}`. */
export const snapshotStore = "snapshots";

export const buckets = {
  /** `user.{name}`, `token.{id}`, `session.{hash}` → AccessRecord: who may call. Only results reads it. */
  access: "access",
  /** camera id → CameraRecord. */
  cameras: "cameras",
  /** camera id → RecordStream, for cameras that have one. Separate from the records, which processes of earlier versions read too. */
  recordStreams: "camera-record-streams",
  /** camera id → CameraShare, for cameras that have one. Separate from the records for the same reason. */
  cameraShares: "camera-shares",
  /** camera id, or `{camera}.record` of its RecordStream → SealedSecret: user and password, encrypted. */
  cameraCredentials: "camera-credentials",
  /** Same keys → CameraSecret, used when there is no key for encryption; separate from the records so that no listing can show it. */
  cameraSecrets: "camera-secrets",
  /** camera id → encoded CameraStatus. */
  cameraStatus: "camera-status",
  /**
   * `session.camera.{id}` and `session.tracker.{id}` → the session is alive; `ingest.{id}` → the process is running; `results.{id}` →
   * AnalysisPresence of a process that analyses. An entry lives `leaseTtlMs` unless renewed.
   */
  leases: "leases",
  /** `camera.{id}` and `tracker.{id}` → the session that holds the camera, for as long as that session lives. */
  holders: "holders",
  /** camera id → encoded CameraRules, without name and etag. */
  cameraRules: "camera-rules",
  /** camera id → state of the camera's analysis; written by the process that has its lease. */
  analysisState: "analysis-state",
  /** subscription id → encoded Subscription. */
  subscriptions: "subscriptions",
  /** model name → ServedModel, for as long as a worker serves it. */
  models: "models",
  /** worker id → WorkerInfo, for as long as the worker lives. */
  workers: "workers",
  /** model name → ModelVersions: the version that all its workers should serve. Only results writes it. */
  modelVersions: "model-versions",
  /** shadow id → ModelShadow, while it runs. Only results writes it. */
  modelShadows: "model-shadows",
  /** shadow id → ShadowReport. Only results writes and reads it, and the same goes for the next bucket. */
  shadowReports: "shadow-reports",
  /** `{shadow}.{epoch}-{number}` → JPEG of one of its frames. */
  shadowPictures: "shadow-pictures",
  /** job id, or `inspect.{model}.{version}` → ModelJob: what results asks workers to do besides serving, and its progress. */
  modelJobs: "model-jobs",
  /** `{model}.{version}` → StoredVersion: versions that were uploaded through the API. Only results writes it. */
  modelStore: "model-store",
  /** `{job}.{file}.{piece}` → a piece of a file that a job uploaded or created. */
  modelFiles: "model-files",
  /** `{camera}.{event}` → encoded EventReview; an entry is deleted with its event. Only results writes it. */
  eventReviews: "event-reviews",
  /** stream → its identities: a stream gets a new one each time it is created. Cursors contain them; the newest is last. */
  streamMakings: "stream-makings",
  /**
   * `claims` → the floors that results processes are about to store. A process's write is refused if another has written since it looked. Only
   * results writes it.
   */
  floorClaims: "floor-claims",
  /** `{site}.{stream}` → how far a stream of a site has been copied; only at a centre. */
  sitePlaces: "site-places",
} as const;

const modelName = /^[a-z0-9][a-z0-9_-]{0,62}$/i;

/** Whether `name` may name a model; it becomes a NATS subject token and a directory name. */
export function isModelName(name: string): boolean {
  return modelName.test(name);
}
