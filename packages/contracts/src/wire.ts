import { z } from "zod";
import { transportSchema } from "./camera-record.ts";
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
export type FrameToken = z.infer<typeof tokenSchema>;

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
export type PictureOrigin = (typeof pictureSources)[number];

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
