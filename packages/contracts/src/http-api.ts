/**
 * What the HTTP API of the results service sends and takes, as JSON. Enum values are their protobuf names in lower case
 * without the prefix (`live`, `entered_zone`, `superseded`); times are ISO 8601 in UTC unless a field's name ends in Ms.
 */
import { z } from "zod";
import { httpCameraSchema, httpFindingSchema } from "./http-cameras.ts";
import { httpAttributesSchema, httpEventSchema, httpReviewSchema, httpRulesSchema } from "./http-events.ts";
import { box, latency, name } from "./http-parts.ts";

/** One second of one camera. */
export const httpSampleSchema = z.object({
  timeMs: z.number(),
  /** Frames in this second, from the ledger. */
  captured: z.number(),
  inferred: z.number(),
  dropped: z.record(z.string(), z.number()),
  /** Capture to delivery; null when no frame came. */
  latencyMs: latency.nullable(),
  /** Mean time of each stage in milliseconds: decode, queue, batch, infer, post, track, deliver. */
  stagesMs: z.record(z.string(), z.number()),
  tracks: z.number(),
});

export const httpSeriesSchema = z.object({ camera: z.string(), samples: z.array(httpSampleSchema) });

export const httpSystemSchema = z.object({
  version: z.string(),
  nats: z.object({ connected: z.boolean(), version: z.string(), cluster: z.string() }),
  workers: z.array(
    z.object({
      id: z.string(),
      host: z.string(),
      model: z.string(),
      modelDigest: z.string(),
      loadable: z.array(z.string()).optional(),
      unserved: z.array(z.object({ model: z.string(), why: z.string() })).optional(),
      /** Second-stage models that this worker has. */
      secondStages: z
        .array(
          z.object({
            model: z.string(),
            version: z.string(),
            attributes: z.array(z.object({ name: z.string(), values: z.array(z.string()) })),
            loaded: z.boolean(),
            fault: z.string().optional(),
          }),
        )
        .optional(),
      precision: z.string(),
      executionProvider: z.string(),
      batchSize: z.number(),
      batchCurve: z.array(z.object({ batch: z.number(), milliseconds: z.number() })),
      sessions: z.number().optional(),
      startTime: z.string(),
      utilization: z.number(),
      framesPerSecond: z.number(),
      meanBatchSize: z.number(),
    }),
  ),
  models: z.array(
    z.object({
      name: z.string(),
      architecture: z.string(),
      width: z.number(),
      height: z.number(),
      classes: z.array(z.string()),
      accuracy: z
        .object({
          ap: z.number(),
          ap50: z.number(),
          encoding: z.string().optional(),
          measuredOn: z.string().optional(),
        })
        .nullable(),
      isDefault: z.boolean(),
    }),
  ),
  streams: z.array(
    z.object({
      name: z.string(),
      messages: z.number(),
      bytes: z.number(),
      /** 0 when unlimited. */
      maxBytes: z.number(),
      maxAgeSeconds: z.number(),
      oldestTime: z.string().nullable(),
      consumers: z.number(),
    }),
  ),
  storage: z.object({
    /** Streams that accept no messages, or whose state JetStream does not report; longest-lasting fault first. */
    faults: z.array(
      z.object({
        stream: z.string(),
        lacks: z.enum(["takes", "gives", "keeps"]),
        reason: z.string(),
        /** JetStream's error code; null when it gave no answer. */
        code: z.number().nullable(),
        sinceTime: z.string(),
      }),
    ),
    /** The disk with NATS's data; null when results cannot see it. */
    disk: z.object({ directory: z.string(), freeBytes: z.number(), sizeBytes: z.number() }).nullable(),
  }),
  /** Sites whose events and pictures are copied here. */
  sites: z
    .array(
      z.object({
        name: z.string(),
        /** Whether the site is being read and its messages are stored. */
        up: z.boolean(),
        /** Seconds since the last message from it, or since results started. */
        silentSeconds: z.number(),
        /** Messages about events and pictures that are still to be copied; null while the site is not read. */
        pending: z.number().nullable(),
        /** The centre's own camera with the same name as one of the site, which blocks the copying; otherwise null. */
        clash: z.string().nullable(),
        /** Why messages from the site cannot be stored here; otherwise null. */
        failure: z.string().nullable().default(null),
      }),
    )
    // A server of an earlier version does not send this field.
    .default([]),
  /** What drops frames and where the bottleneck is, worst first. */
  findings: z.array(httpFindingSchema),
});

/** Body of every error answer. `code` is the API's error code (docs/api.md). */
export const httpErrorSchema = z.object({ code: z.string(), message: z.string() });

/** Client to server on the WebSocket `/api/v1/live`, as text. */
export const liveRequestSchema = z.discriminatedUnion("type", [
  /** Replaces the set of cameras whose pictures the client wants; pictures that no client wants are not made. */
  z.strictObject({
    type: z.literal("watch"),
    cameras: z
      .array(
        z.strictObject({
          id: name,
          /** Width in pixels at which the picture is shown. */
          width: z.int().min(16).max(4096),
          maxFps: z.number().min(0.1).max(60),
        }),
      )
      .max(256),
  }),
  /** The client has drawn a picture; the server has at most two pictures of a camera in flight. */
  z.strictObject({ type: z.literal("drawn"), camera: name }),
]);

/** An analysed frame and its detections. */
export const httpAnalysedFrameSchema = z.object({
  camera: z.string(),
  epoch: z.string(),
  number: z.number(),
  captureTimeMs: z.number(),
  detections: z.array(
    z.object({
      trackId: z.string(),
      className: z.string(),
      score: z.number(),
      box,
      /** Missing when second stages know nothing about it. */
      attributes: httpAttributesSchema.optional(),
    }),
  ),
});

export const httpAnalysedFramePageSchema = z.object({
  /** In order of time. */
  frames: z.array(httpAnalysedFrameSchema),
  /** Empty on the last page. */
  nextPageToken: z.string(),
});

/** Server to client on the WebSocket, as text. Pictures are binary: see `livePictureSchema`. */
export const liveMessageSchema = z.discriminatedUnion("type", [
  /** All cameras; sent first, and again after the server lost track of them. */
  z.object({ type: z.literal("cameras"), cameras: z.array(httpCameraSchema) }),
  z.object({ type: z.literal("camera"), camera: httpCameraSchema }),
  z.object({ type: z.literal("cameraRemoved"), id: z.string() }),
  z.object({ type: z.literal("rules"), camera: z.string(), rules: httpRulesSchema }),
  z.object({ type: z.literal("event"), event: httpEventSchema }),
  /** Somebody has marked an event as reviewed, or as not reviewed (null). */
  z.object({
    type: z.literal("review"),
    camera: z.string(),
    id: z.string(),
    review: httpReviewSchema.nullable(),
  }),
  /** The newest second of each camera. */
  z.object({ type: z.literal("samples"), samples: z.record(z.string(), httpSampleSchema) }),
  z.object({ type: z.literal("error"), code: z.string(), message: z.string() }),
]);

/** Why the server closes the WebSocket; it uses 1001 when it stops. */
export const liveCloseCodes = {
  /** The login or token has ended: log in again. */
  unauthenticated: 4401,
  /** The role or the cameras were changed: connect again. */
  accessChanged: 4403,
} as const;

/** Head of a binary message: a 32-bit little-endian length, this as JSON in UTF-8, then the JPEG of the same frame. */
export const livePictureSchema = z.object({
  ...httpAnalysedFrameSchema.shape,
  /** From capture to sending. */
  latencyMs: z.number(),
});
export type HttpSample = z.infer<typeof httpSampleSchema>;
export type HttpSeries = z.infer<typeof httpSeriesSchema>;
export type HttpSystem = z.infer<typeof httpSystemSchema>;
export type HttpError = z.infer<typeof httpErrorSchema>;
export type LiveRequest = z.infer<typeof liveRequestSchema>;
export type LiveMessage = z.infer<typeof liveMessageSchema>;
export type HttpAnalysedFrame = z.infer<typeof httpAnalysedFrameSchema>;
export type HttpAnalysedFramePage = z.infer<typeof httpAnalysedFramePageSchema>;
export type LivePicture = z.infer<typeof livePictureSchema>;
