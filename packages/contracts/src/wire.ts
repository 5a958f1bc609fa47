import { z } from "zod";
import { DropReason } from "./gen/sightline/v1/frame.ts";
import { limits } from "./limits.ts";
import { decodeUtf8 } from "./strict-json.ts";

/** A small JSON message that breaks its schema. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/*
 * Services of two versions run side by side during an upgrade, so what one does not know in a message of the other is passed over. Not so in a
 * camera's record: a process that does not know one of its settings, as a mask, leaves the camera to those that do.
 */

/** Says that a camera has a frame waiting. Good for one frame, and only while `id` is the camera's newest token. */
export const tokenSchema = z.object({
  camera: z.string().max(63),
  epoch: z.string().max(32),
  id: z.int().positive(),
});
export type Token = z.infer<typeof tokenSchema>;

/** Request for the frame behind a token; the token's fields and the worker that asks. */
export const frameRequestSchema = z.object({
  epoch: z.string().max(32),
  token: z.int().positive(),
  worker: z.string().max(128),
});
export type FrameRequest = z.infer<typeof frameRequestSchema>;

/**
 * In a request for a frame: the arenas that the worker can read, separated by commas. In an answer that holds the pixels: the
 * arena that the ingest has. A worker that can open that one gets handles from then on.
 */
export const arenaHeader = "Sightline-Arena";

/** Request to get ready for something that is about to be handed over. */
export const handOverRequestSchema = z.object({
  thing: z.string().max(128),
  /** Tells it from another that is registered under the same name after it; none where the name does. */
  identity: z.string().max(128).optional(),
  /** So long who asks waits for the answer. */
  waitMs: z.int().min(0).max(60_000),
});
export type HandOverRequest = z.infer<typeof handOverRequestSchema>;

/** Answer to it, when it is ready or will not be in time. */
export const handOverAnswerSchema = z.object({ ready: z.boolean() });

/** What a frame's pixels can be laid out as (PixelFormat). */
export const pixelFormats = ["gbrp", "i420"] as const;
export type PixelFormatName = (typeof pixelFormats)[number];

/** In a request for a frame: the layout that the worker's session reads. Without it a frame must come as gbrp, as every version knows it. */
export const pixelFormatHeader = "Sightline-Pixel-Format";

/** Notice that a frame given to a worker is not going to be inferred. */
export const frameDroppedSchema = z.object({
  epoch: z.string().max(32),
  number: z.int().positive(),
  /** The frame's previous_number, so that results need not wait for this frame. */
  previousNumber: z.int().min(0),
  reason: z.union([z.literal(DropReason.STALE), z.literal(DropReason.WORKER_ERROR)]),
});
export type FrameDropped = z.infer<typeof frameDroppedSchema>;

/** What a picture is of: the frame that the model saw, or the same moment as the camera sent it, in its own resolution. */
export const pictureSources = ["model", "camera"] as const;
export type PictureSource = (typeof pictureSources)[number];

/** Request for the picture of a frame; without `epoch` and `number` the newest that a worker has been given. */
export const pictureRequestSchema = z.object({
  epoch: z.string().max(32).optional(),
  number: z.int().positive().optional(),
  /** None: the model's frame. The camera's costs a decoder's start; where it cannot be had the model's comes. */
  source: z.enum(pictureSources).optional(),
  /** Somebody asked for it, not an event: what decoding may take for them is not used up by events. */
  asked: z.boolean().optional(),
  /** Longest width wanted, in pixels; a picture is never made larger. */
  maxWidth: z.int().min(16).max(4096).optional(),
  /** JPEG quality. */
  quality: z.int().min(1).max(100).optional(),
});
export type PictureRequest = z.infer<typeof pictureRequestSchema>;

/** What the answer to a picture request says in its header `pictureHeader`, as JSON; the data is the JPEG, without the letterbox's padding. */
export const pictureAnswerSchema = z.union([
  z.object({
    ok: z.literal(true),
    epoch: z.string(),
    number: z.int().positive(),
    /** Milliseconds since 1970, with fractions. */
    captureTimeMs: z.number(),
    ptsUs: z.number(),
    width: z.int().positive(),
    height: z.int().positive(),
  }),
  z.object({
    ok: z.literal(false),
    reason: z.enum(["gone", "no_frame", "busy", "failed"]),
    message: z.string(),
  }),
]);
export type PictureAnswer = z.infer<typeof pictureAnswerSchema>;
export const pictureHeader = "Sightline-Picture";
/** Header that says which of `pictureSources` the picture is; older ingests do not send it. */
export const pictureSourceHeader = "Sightline-Picture-Source";

const transportSchema = z.enum(["auto", "tcp", "udp"]);

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

/** Request to try a camera out. */
export const probeRequestSchema = z.object({
  uri: z.string().max(limits.maxUriLength),
  transport: transportSchema,
  /** Counts from 1; 0 or none takes the first. */
  videoTrack: z.int().min(0).max(limits.maxVideoTrack).optional(),
  username: z.string().max(256).optional(),
  password: z.string().max(256).optional(),
  /** Also receive a picture. */
  picture: z.boolean(),
});
export type ProbeRequest = z.infer<typeof probeRequestSchema>;

/** What the answer says in its header `probeHeader`, as JSON; the data is a JPEG when a picture was asked for and came. */
export const probeAnswerSchema = z.union([
  z.object({
    ok: z.literal(true),
    codec: z.string(),
    width: z.int().min(0),
    height: z.int().min(0),
    /** Frames per second; 0 when the camera does not say. */
    fps: z.number().min(0),
    /** Video tracks that the stream has. */
    videoTracks: z.int().min(1).optional(),
    /** Why there is no picture though one was asked for. */
    pictureFault: z.string().optional(),
  }),
  z.object({ ok: z.literal(false), reason: z.int(), message: z.string() }),
]);
export type ProbeAnswer = z.infer<typeof probeAnswerSchema>;
export const probeHeader = "Sightline-Probe";

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

/**
 * What an ingest says of itself in the bucket of leases: by model, how many of its cameras have more frames than workers take, the weights together of
 * those that get what these say, and the frames/s of those that get their floor instead. Earlier versions say only that they are there.
 */
export const ingestPresenceSchema = z.object({
  pressed: z.record(
    z.string(),
    z.object({ cameras: z.int().min(0), weight: z.number().min(0), floorFps: z.number().min(0) }),
  ),
});
export type IngestPresence = z.infer<typeof ingestPresenceSchema>;

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

/** First 12 hexadecimal digits of the digest of a model's files. */
export const modelVersionSchema = z.string().regex(/^[0-9a-f]{12}$/);

/** A model that workers serve: what ingest must send it and what results may promise. */
export const servedModelSchema = z.object({
  name: z.string(),
  /** None from workers of before versions were known. */
  version: modelVersionSchema.optional(),
  architecture: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
  /** Longest picture side after scaling; the rest of the frame is padding of `padValue`. */
  longestSide: z.int().positive(),
  padValue: z.int().min(0).max(255),
  /** Where the picture goes in the frame, in the centre when nothing is said; "stretch" fills the frame, whatever its shape. */
  placement: z.enum(["centre", "corner", "stretch"]).optional(),
  classes: z.array(z.string()).min(1),
  /** Box AP of the file that runs, 0..1, on the data that the model card names. */
  accuracy: z
    .strictObject({
      ap: z.number(),
      ap50: z.number(),
      /** The measured file's encoding, as model.json names it. */
      encoding: z.string().optional(),
      /** The kind of processor that the figures belong to, such as "any CPU". */
      measuredOn: z.string().optional(),
    })
    .optional(),
});
export type ServedModel = z.infer<typeof servedModelSchema>;

/** Which version of a model all its workers are to serve, and which versions there are. */
export const modelVersionsSchema = z.object({
  /** None: each worker serves what lies in the model's own folder. */
  active: modelVersionSchema.optional(),
  /** What a rollback makes active. */
  previous: modelVersionSchema.optional(),
  /** What workers load beside what they serve and try out, and then say whether it can be made active. */
  candidate: z.object({ activation: z.uuid(), version: modelVersionSchema }).optional(),
  /** All that workers have told of, the first seen first: a version's number is its place, from 1. */
  versions: z.array(z.object({ version: modelVersionSchema, seenTime: z.iso.datetime() })),
});
export type ModelVersions = z.infer<typeof modelVersionsSchema>;

/** How a worker fares with the candidate of an activation. */
export const candidateStateSchema = z.object({
  activation: z.uuid(),
  state: z.enum(["loading", "ready", "failed"]),
  /** Why it failed. */
  message: z.string().optional(),
  /** The candidate's classes, when it is ready. */
  classes: z.array(z.string()).optional(),
});
export type CandidateState = z.infer<typeof candidateStateSchema>;

/** A second stage that a worker has. */
export const workerSecondStageSchema = z.object({
  model: z.string(),
  version: modelVersionSchema,
  attributes: z.array(z.object({ name: z.string(), values: z.array(z.string()) })),
  /** Whether it is loaded: it is when a frame of a camera comes that asks for it. */
  loaded: z.boolean(),
  /** Why cameras that ask for it get no attributes from this worker. */
  fault: z.string().optional(),
});
export type WorkerSecondStage = z.infer<typeof workerSecondStageSchema>;

/** What a worker tells about itself while it lives. */
export const workerInfoSchema = z.object({
  id: z.string(),
  host: z.string(),
  model: z.string(),
  modelDigest: z.string(),
  /** The version that runs; none from workers of before versions were known. */
  modelVersion: modelVersionSchema.optional(),
  /** The versions of the model on this worker's disk. */
  versions: z.array(modelVersionSchema).optional(),
  candidate: candidateStateSchema.optional(),
  /** Why it does not serve the active version. */
  versionFault: z.string().optional(),
  /** Further models that this worker loads when a camera asks for them. */
  loadable: z.array(z.string()).optional(),
  /** Models that cameras ask for and that it could serve if it were not for what is said. */
  unserved: z.array(z.object({ model: z.string(), why: z.string() })).optional(),
  /** Versions that came by the API and could not be brought to this worker's disk, and why. */
  unfetched: z
    .array(z.object({ model: z.string(), version: modelVersionSchema, why: z.string() }))
    .optional(),
  /** Models for second stages that this worker has. */
  secondStages: z.array(workerSecondStageSchema).optional(),
  precision: z.string(),
  /** How its session reads frames; gbrp where nothing is said, or what is not known here. */
  pixelFormat: z.enum(pixelFormats).optional().catch(undefined),
  executionProvider: z.string(),
  /** Frames of a batch where more is offered than can be inferred. */
  batchSize: z.int().positive(),
  /** Median milliseconds of one run at each batch size: measured at warm-up, and corrected where sizes were compared since. */
  batchCurve: z.array(z.object({ batch: z.int().positive(), milliseconds: z.number().positive() })),
  /** Sessions that run such batches at the same time; one where nothing is said. */
  sessions: z.int().positive().optional(),
  startTime: z.iso.datetime(),
  /** Over the last seconds: share of the time in which the session ran (mean of several), frames per second, frames per batch. */
  utilization: z.number().min(0).max(1),
  framesPerSecond: z.number().min(0),
  meanBatchSize: z.number().min(0),
});
export type WorkerInfo = z.infer<typeof workerInfoSchema>;

/** Where the analysis of a camera stands, as far as others may know it; the rest of the entry is its own. */
export const analysisPlaceSchema = z.object({
  version: z.literal(1),
  /** All events up to this entry of the timeline are published. */
  timelineSequence: z.int().min(0),
  /** All of the camera's messages up to this one of the stream of detections are taken into account. */
  detectionsSequence: z.int().min(0),
});
export type AnalysisPlace = z.infer<typeof analysisPlaceSchema>;

/** What a process that analyses cameras tells of itself while it lives; earlier versions tell that they are there and no more. */
export const analysisPresenceSchema = z.object({
  /** Camera id → why its analysis makes no progress. */
  stalls: z.record(z.string(), z.string()),
});
export type AnalysisPresence = z.infer<typeof analysisPresenceSchema>;

/** Encodes a value of one of the schemas above as JSON bytes. */
export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * Decodes JSON bytes and checks them.
 * @throws WireError that names the fields at fault
 */
export function decodeJson<T>(schema: z.ZodType<T>, data: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(data));
  } catch (cause) {
    throw new WireError("message is not JSON", { cause });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new WireError(z.prettifyError(result.error));
  return result.data;
}
