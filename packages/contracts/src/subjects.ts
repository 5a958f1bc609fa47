/** Names of everything on NATS: subjects, streams, key-value buckets. A camera is named by its id (resource-names.ts). */
export const subjects = {
  /** Tokens that say "this camera has a frame"; one subject per model and camera, in stream READY. */
  ready: (model: string, camera: string) => `ready.${model}.${camera}`,
  /** Request: the newest frame of a camera, for a token. Answered by the ingest that holds the camera. */
  frameGet: (camera: string) => `frames.get.${camera}`,
  /** A worker's notice that a frame it was given is not going to be inferred; `*` for all cameras. */
  frameDropped: (camera: string) => `frames.dropped.${camera}`,
  /** Encoded FrameDetections as workers publish them, in stream DETECTIONS. */
  detections: (camera: string) => `detections.${camera}`,
  /** Encoded TimelineEntry, in stream TIMELINE: a camera's frames in order, with tracks. */
  timeline: (camera: string) => `timeline.${camera}`,
  /** Encoded Event, in stream EVENTS; `event` is the last part of its resource name. */
  event: (camera: string, event: string) => `events.${camera}.${event}`,
  /** Encoded DeadLetter, in stream DEAD_LETTERS. */
  deadLetter: (subscription: string) => `dead-letters.${subscription}`,
  /** Encoded DeadLetter that is to be delivered once more, in stream DEAD_LETTERS. */
  redelivery: (subscription: string) => `redeliveries.${subscription}`,
  /** AuditRecord, in stream AUDIT; `action` has parts between dots. */
  audit: (action: string) => `audit.${action}`,
  /** Request: the picture of a recent frame, as JPEG. Answered by the ingest that holds the camera. */
  pictureGet: (camera: string) => `pictures.get.${camera}`,
  /** Request: what of a camera is recorded in a range of time (recordings.ts). Answered by every ingest, also by one that has nothing. */
  recordingsFind: (camera: string) => `recordings.find.${camera}`,
  /** ShadowMessage: what a worker found out in a shadow; each is gone when nobody listens. */
  shadow: (shadow: string) => `shadows.${shadow}`,
  /** Request: what a camera that need not be registered offers. Answered by any ingest. */
  cameraProbe: "cameras.probe",
  /** Request: to get ready for something that another process is about to hand over. Answered by the process whose session it names. */
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

/** Stream of what could still be read of a damaged one; the process that mends that makes it. */
export const setAsideStream = "SET_ASIDE";

/** Queue group of the ingests that answer `subjects.cameraProbe`. */
export const probeQueue = "ingest";

/** First part of the keys in the bucket of leases under which ingests show that they are there. */
export const ingestPresence = "ingest";

/** The same of the processes that analyse cameras; named by the service that did so when it was the only one. */
export const analysisPresence = "results";

/** Object store of pictures of events; an object is named `{camera}/{event}`. */
export const snapshotStore = "snapshots";

export const buckets = {
  /** `user.{name}`, `token.{id}`, `session.{hash}` → AccessRecord: who may call. Only results reads it. */
  access: "access",
  /** camera id → CameraRecord. */
  cameras: "cameras",
  /** camera id → RecordStream, of cameras that have one: apart from the records, which processes of earlier versions read too. */
  recordStreams: "camera-record-streams",
  /** camera id → CameraShare, of cameras that have one: apart from the records, as those are. */
  cameraShares: "camera-shares",
  /** camera id, or `{camera}.record` of its RecordStream → SealedSecret: user and password, encrypted. */
  cameraCredentials: "camera-credentials",
  /** The same → CameraSecret, where there are no keys to encrypt with; apart from the records so that no listing can show it. */
  cameraSecrets: "camera-secrets",
  /** camera id → encoded CameraStatus. */
  cameraStatus: "camera-status",
  /** `session.camera.{id}` and `session.tracker.{id}` → that the session lives, `ingest.{id}` → that the process is there, `results.{id}` → AnalysisPresence of one that analyses; an entry lives `leaseTtlMs` unless renewed. */
  leases: "leases",
  /** `camera.{id}` and `tracker.{id}` → session that has the camera, for as long as that lives. */
  holders: "holders",
  /** camera id → encoded CameraRules, without name and etag. */
  cameraRules: "camera-rules",
  /** camera id → where the analysis of the camera stands; written by the process that has its lease. */
  analysisState: "analysis-state",
  /** subscription id → encoded Subscription. */
  subscriptions: "subscriptions",
  /** model name → ServedModel, while a worker serves it. */
  models: "models",
  /** worker id → WorkerInfo, while it lives. */
  workers: "workers",
  /** model name → ModelVersions: which version all its workers are to serve; only results writes it. */
  modelVersions: "model-versions",
  /** shadow id → ModelShadow, while it runs; written by results alone. */
  modelShadows: "model-shadows",
  /** shadow id → ShadowReport; written and read by results alone, as the next. */
  shadowReports: "shadow-reports",
  /** `{shadow}.{epoch}-{number}` → JPEG of one of its frames. */
  shadowPictures: "shadow-pictures",
  /** job id, or `inspect.{model}.{version}` → ModelJob: what results asks of workers beside serving, and how that goes. */
  modelJobs: "model-jobs",
  /** `{model}.{version}` → StoredVersion: versions that came by the API; written by results alone. */
  modelStore: "model-store",
  /** `{job}.{file}.{piece}` → a piece of a file that a job brought or made. */
  modelFiles: "model-files",
  /** `{camera}.{event}` → encoded EventReview; an entry goes with its event. Written by results alone. */
  eventReviews: "event-reviews",
  /** stream → identities of its makings as cursors bear them, the newest last. */
  streamMakings: "stream-makings",
  /** `claims` → the floors that results processes are about to store; a process that takes another wrote after it looked. Written by results alone. */
  floorClaims: "floor-claims",
  /** `{site}.{stream}` → how far a stream of a site has been copied; at a centre only. */
  sitePlaces: "site-places",
} as const;

const modelName = /^[a-z0-9][a-z0-9_-]{0,62}$/i;

/** Whether `name` may name a model; it becomes a NATS subject token and a directory name. */
export function isModelName(name: string): boolean {
  return modelName.test(name);
}
