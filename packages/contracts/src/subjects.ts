/** Names of everything on NATS: subjects, streams, key-value buckets. A camera is named by its id (camera-name.ts). */
export const subjects = {
  /** Tokens that say "this camera has a frame"; one subject per model and camera, in stream READY. */
  ready: (model: string, camera: string) => `ready.${model}.${camera}`,
  /** Request: the newest frame of a camera, for a token. Answered by the ingest that holds the camera. */
  frameGet: (camera: string) => `frames.get.${camera}`,
  /** A worker's notice that a frame it was given is not going to be inferred; `*` for all cameras. */
  frameDropped: (camera: string) => `frames.dropped.${camera}`,
  /** Encoded FrameDetections, in stream DETECTIONS. */
  detections: (camera: string) => `detections.${camera}`,
} as const;

export const streams = { ready: "READY", detections: "DETECTIONS" } as const;

export const buckets = {
  /** camera id → CameraRecord. */
  cameras: "cameras",
  /** camera id → CameraSecret; apart from the records so that no listing can show it. */
  cameraSecrets: "camera-secrets",
  /** camera id → encoded CameraStatus. */
  cameraStatus: "camera-status",
  /** `camera.{id}` → holder, `ingest.{id}` → that it is there; an entry lives `leaseTtlMs` unless renewed. */
  leases: "leases",
  /** model name → ServedModel, while a worker serves it. */
  models: "models",
  /** worker id → WorkerInfo, while it lives. */
  workers: "workers",
} as const;

const modelName = /^[a-z0-9][a-z0-9_-]{0,62}$/i;

/** Whether `name` may name a model; it becomes a NATS subject token and a directory name. */
export function isModelName(name: string): boolean {
  return modelName.test(name);
}
