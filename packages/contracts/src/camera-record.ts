import { z } from "zod";
import { limits } from "./limits.ts";

export const transportSchema = z.enum(["auto", "tcp", "udp"]);

const decodeSchema = z.enum(["auto", "cuda", "vaapi", "software"]);

/** When video is kept; what is not there is at its default (camera.proto). */
export const recordingSettingsSchema = z.strictObject({
  /** None: as ingest's own setting says. */
  mode: z.enum(["off", "events", "continuous"]).optional(),
  maxAgeDays: z.number().positive().max(limits.maxRecordingDays).optional(),
  eventsMaxAgeDays: z.number().positive().max(limits.maxRecordingDays).optional(),
  audio: z.literal(true).optional(),
});
export type RecordingSettings = z.infer<typeof recordingSettingsSchema>;

const coordinateSchema = z.number().min(0).max(1);

/** Parts of a camera's picture, as it is shown, that nobody may see. */
export const privacySettingsSchema = z.strictObject({
  /** Polygons whose edges do not cross, in 0..1 of width and height. */
  masks: z
    .array(
      z
        .array(z.tuple([coordinateSchema, coordinateSchema]))
        .min(3)
        .max(limits.maxPolygonPoints),
    )
    .max(limits.maxPrivacyMasks),
  /** What becomes of the compressed video, which shows what they hide; none: it is transcoded. */
  video: z.literal("off").optional(),
});
export type PrivacySettings = z.infer<typeof privacySettingsSchema>;

/** A model that looks at what a camera's own model has found; no classes means all. */
export const secondStageSchema = z.strictObject({ model: z.string(), classes: z.array(z.string()) });

/** A camera's registration as stored; the URL holds no user or password. */
export const cameraRecordSchema = z.strictObject({
  uri: z.string(),
  transport: transportSchema,
  /** Counts from 1; 0 or none takes the first. Records of before it was there have none. */
  videoTrack: z.int().min(0).max(limits.maxVideoTrack).optional(),
  /** None: as ingest's own setting says. */
  decode: decodeSchema.optional(),
  /** None: all at its default. */
  recording: recordingSettingsSchema.optional(),
  /** None: all may be seen. */
  privacy: privacySettingsSchema.optional(),
  /** None: it has no labels. */
  labels: z.record(z.string(), z.string()).optional(),
  targetFps: z.number().min(0).max(limits.maxTargetFps),
  model: z.string(),
  minScore: z.number().min(0).max(1),
  classes: z.array(z.string()),
  /** None: no model looks at what is found. */
  secondStages: z.array(secondStageSchema).max(limits.maxSecondStages).optional(),
  hasCredentials: z.boolean(),
  createTime: z.iso.datetime(),
  updateTime: z.iso.datetime(),
});
export type CameraRecord = z.infer<typeof cameraRecordSchema>;

/** The stream of a camera that is recorded and watched in place of the analysed one; the URL holds no user or password. */
export const recordStreamSchema = z.object({ uri: z.string(), hasCredentials: z.boolean() });
export type RecordStream = z.infer<typeof recordStreamSchema>;

/** How a camera shares the workers with others; what is not there is at its default. Stored apart, since earlier versions refuse a record with it. */
export const cameraShareSchema = z.object({
  /** Its part of the workers' time under overload; none: 1. */
  weight: z.number().min(limits.minWeight).max(limits.maxWeight).optional(),
  /** Frames per second that it gets first; none: 0. */
  floorFps: z.number().positive().max(limits.maxTargetFps).optional(),
  /** Whose floor is held first: the higher; none: 0. */
  priority: z.int().min(-limits.maxPriority).max(limits.maxPriority).optional(),
});
export type CameraShare = z.infer<typeof cameraShareSchema>;

/** Under which key the user and password of a camera's RecordStream are stored; no camera has such an id. */
export function recordSecretKey(camera: string): string {
  return `${camera}.record`;
}

/** Scheme, host and port of a URL, to tell whether two mean the same camera server. */
export function serverOf(uri: string): string {
  const { protocol, host } = new URL(uri);
  return `${protocol}//${host}`;
}

/**
 * User and password of a camera. Those of a RecordStream name the server that they are for, by `serverOf`: the URL and they are stored one after the
 * other, and who reads them in between must not tell them to another server.
 */
export const cameraSecretSchema = z.object({
  username: z.string(),
  password: z.string(),
  server: z.string().optional(),
});
export type CameraSecret = z.infer<typeof cameraSecretSchema>;

/** A CameraSecret as stored, encrypted; `nonce` and `data` (with its tag) are base64. */
export const sealedSecretSchema = z.object({ key: z.string(), nonce: z.string(), data: z.string() });
export type SealedSecret = z.infer<typeof sealedSecretSchema>;
