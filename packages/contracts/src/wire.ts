import { z } from "zod";
import { transportSchema } from "./camera-record.ts";
import { WireError } from "./errors.ts";
import { DropReason } from "./gen/sightline/v1/frame.ts";
import { limits } from "./limits.ts";
import { decodeUtf8 } from "./strict-json.ts";

/*
 * During an upgrade, services of two versions run side by side, so unknown fields in a message are ignored. A camera's record is different: a
 * process that does not know one of its settings, such as a mask, leaves the camera to processes that do.
 */

/** Says that a camera has a frame waiting. Valid for one frame, and only while `id` is the camera's newest token. */
export const tokenSchema = z.object({
  camera: z.string().max(63),
  epoch: z.string().max(32),
  id: z.int().positive(),
});
export type FrameToken = z.infer<typeof tokenSchema>;

/** Request for the frame behind a token: the token's fields and the worker that asks. */
export const frameRequestSchema = z.object({
  epoch: z.string().max(32),
  token: z.int().positive(),
  worker: z.string().max(128),
});
export type FrameRequest = z.infer<typeof frameRequestSchema>;

/**
 * In a request for a frame: the arenas that the worker can read, separated by commas. In an answer with pixels: the ingest's arena. A
 * worker that can open that arena gets handles from then on.
 */
export const arenaHeader = "Sightline-Arena";

/** Request to get ready for something that another process is about to hand over. */
export const handOverRequestSchema = z.object({
  thing: z.string().max(128),
  /** Distinguishes it from a later one that is registered under the same name; missing where the name is enough. */
  identity: z.string().max(128).optional(),
  /** How long the requester waits for the answer. */
  waitMs: z.int().min(0).max(60_000),
});
export type HandOverRequest = z.infer<typeof handOverRequestSchema>;

/** The answer, sent when the process is ready or knows that it will not be ready in time. */
export const handOverAnswerSchema = z.object({ ready: z.boolean() });

/** Possible layouts of a frame's pixels (PixelFormat). */
export const pixelFormats = ["gbrp", "i420"] as const;
export type PixelFormatName = (typeof pixelFormats)[number];

/**
 * In a request for a frame: the layout that the worker's session reads. Without it the frame must be gbrp, the layout that every version
 * knows.
 */
export const pixelFormatHeader = "Sightline-Pixel-Format";

/** Notice that a worker will not infer a frame it was given. */
export const frameDroppedSchema = z.object({
  epoch: z.string().max(32),
  number: z.int().positive(),
  /** The frame's previous_number, so that results does not have to wait for this frame. */
  previousNumber: z.int().min(0),
  reason: z.union([z.literal(DropReason.STALE), z.literal(DropReason.WORKER_ERROR)]),
});
export type FrameDropped = z.infer<typeof frameDroppedSchema>;

/** What a picture shows: the frame that the model saw, or the same moment as the camera sent it, in the camera's resolution. */
export const pictureSources = ["model", "camera"] as const;
export type PictureOrigin = (typeof pictureSources)[number];

/** Request for the picture of a frame; without `epoch` and `number`, the newest frame that a worker was given. */
export const pictureRequestSchema = z.object({
  epoch: z.string().max(32).optional(),
  number: z.int().positive().optional(),
  /**
   * Missing: the model's frame. The camera's picture requires starting a decoder; where it is not available, the model's frame is sent.
   */
  source: z.enum(pictureSources).optional(),
  /** A person asked for it, not an event: events must not use up the decoding capacity that people may use. */
  asked: z.boolean().optional(),
  /** Maximum width, in pixels; a picture is never enlarged. */
  maxWidth: z.int().min(16).max(4096).optional(),
  /** JPEG quality. */
  quality: z.int().min(1).max(100).optional(),
});
export type PictureRequest = z.infer<typeof pictureRequestSchema>;

/**
 * Content of the header `pictureHeader` in the answer to a picture request, as JSON; the data is the JPEG, without the letterbox's padding.
 */
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

/** Request to test a camera's connection. */
export const probeRequestSchema = z.object({
  uri: z.string().max(limits.maxUriLength),
  transport: transportSchema,
  /** Counts from 1; 0 or missing takes the first. */
  videoTrack: z.int().min(0).max(limits.maxVideoTrack).optional(),
  username: z.string().max(256).optional(),
  password: z.string().max(256).optional(),
  /** Whether to receive a picture too. */
  picture: z.boolean(),
});
export type ProbeRequest = z.infer<typeof probeRequestSchema>;

/** Content of the header `probeHeader` in the answer, as JSON; the data is a JPEG if a picture was requested and received. */
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
    /** Why there is no picture although one was requested. */
    pictureFault: z.string().optional(),
  }),
  z.object({ ok: z.literal(false), reason: z.int(), message: z.string() }),
]);
export type ProbeAnswer = z.infer<typeof probeAnswerSchema>;
export const probeHeader = "Sightline-Probe";

/**
 * What an ingest publishes about itself in the bucket of leases. By model: how many of its cameras have more frames than workers take, the total
 * weight of those that are served by weight, and the frames/s of those that get their floor instead. Earlier versions only publish that they are
 * running.
 */
export const ingestPresenceSchema = z.object({
  pressed: z.record(
    z.string(),
    z.object({ cameras: z.int().min(0), weight: z.number().min(0), floorFps: z.number().min(0) }),
  ),
});
export type IngestPresence = z.infer<typeof ingestPresenceSchema>;

/** State of a camera's analysis, as far as other processes may rely on it; the rest of the entry is private to the analysis. */
export const analysisPlaceSchema = z.object({
  version: z.literal(1),
  /** All events up to this entry of the timeline are published. */
  timelineSequence: z.int().min(0),
  /** All of the camera's messages up to this sequence of the stream of detections have been processed. */
  detectionsSequence: z.int().min(0),
});
export type AnalysisPlace = z.infer<typeof analysisPlaceSchema>;

/** What a process that analyses cameras publishes about itself while it lives; earlier versions only publish that they are running. */
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
 * @throws WireError message_invalid: the message names the invalid fields
 */
export function decodeJson<T>(schema: z.ZodType<T>, data: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(data));
  } catch (cause) {
    throw new WireError("message_invalid", "message is not JSON", { cause });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new WireError("message_invalid", z.prettifyError(result.error));
  return result.data;
}
