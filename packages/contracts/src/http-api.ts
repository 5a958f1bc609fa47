/**
 * What the HTTP API of the results service sends and takes, as JSON. Enum values are their protobuf names in lower case
 * without the prefix (`live`, `entered_zone`, `superseded`); times are ISO 8601 in UTC unless a field's name ends in Ms.
 */
import { z } from "zod";
import { limits } from "./limits.ts";

const name = z.string().max(63);
/** x_min, y_min, x_max, y_max in 0..1 of the picture. */
const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const point = z.tuple([z.number(), z.number()]);
const polygon = z.array(point).max(limits.maxPolygonPoints);
const labels = z.record(z.string(), z.string());
const privacyMasks = z.array(polygon).max(limits.maxPrivacyMasks);
/** What becomes of the video of a camera with privacy masks. */
const maskedVideo = z.enum(["transcode", "off"]);

export const httpLedgerSchema = z.object({
  captured: z.number(),
  inferred: z.number(),
  /** By reason. */
  dropped: z.record(z.string(), z.number()),
  inFlight: z.number(),
});

/** When a camera's video is kept; `default` is ingest's own setting. */
const recordingMode = z.enum(["default", "off", "events", "continuous"]);
const recordingDays = z.number().min(0).max(limits.maxRecordingDays);

export const httpRecordingSchema = z.strictObject({
  mode: recordingMode,
  /** 0 is until the space is needed. */
  maxAgeDays: recordingDays,
  /** Of video of events; 0 is as `maxAgeDays` says. */
  eventsMaxAgeDays: recordingDays,
  audio: z.boolean(),
});

/** How the stream of `recordUri` fares. */
export const httpRecordStreamStatusSchema = z.object({
  /** pending: nobody wants it. */
  state: z.enum(["pending", "connecting", "live", "down"]),
  /** Empty when there is none. */
  reason: z.string(),
  message: z.string(),
  codec: z.string(),
  width: z.number(),
  height: z.number(),
  captureFps: z.number(),
  reconnects: z.number(),
});

export const httpRecordingStatusSchema = z.object({
  /** What is in effect. */
  mode: z.enum(["off", "events", "continuous"]),
  /** Whether video is being written now. */
  active: z.boolean(),
  /** Why it is not though the mode asks for it, with what to do; empty when all is well. */
  message: z.string(),
  /** Why no sound is recorded though it is asked for, with what to do; empty when all is well. */
  soundMessage: z.string(),
  /** On the disk of the ingest that holds the camera. */
  bytes: z.number(),
  oldestTime: z.string().nullable(),
  /** Null where the analysed stream is recorded. */
  stream: httpRecordStreamStatusSchema.nullable(),
});

export const httpCameraStatusSchema = z.object({
  state: z.enum(["pending", "connecting", "live", "down"]),
  /** Empty when there is none. */
  reason: z.string(),
  message: z.string(),
  lastFrameTime: z.string().nullable(),
  sourceWidth: z.number(),
  sourceHeight: z.number(),
  codec: z.string(),
  captureFps: z.number(),
  inferenceFps: z.number(),
  reconnects: z.number(),
  /** cuda, vaapi or software; empty before the first connection. */
  decoder: z.string(),
  /** Why it is not the decoder that was asked for, or a faster one; else empty. */
  decoderNote: z.string(),
  /** What is held of `floorFps` now. */
  promisedFps: z.number(),
  /** Null while no ingest says what it records. */
  recording: httpRecordingStatusSchema.nullable(),
  ingest: z.string(),
  epoch: z.string(),
  ledger: httpLedgerSchema,
});

const latency = z.object({ p50: z.number(), p95: z.number(), p99: z.number() });

/** How a camera did over its last seconds. Findings speak of the same numbers. */
export const httpFiguresSchema = z.object({
  /** How many seconds: 10, fewer when the camera was first heard of later. */
  seconds: z.number(),
  capturedFps: z.number(),
  inferredFps: z.number(),
  /** Frames that should have been analysed and were not, 0..1 of all that should have been. */
  lostShare: z.number(),
  /** Capture to delivery, of all frames of these seconds; null when none came. */
  latencyMs: latency.nullable(),
  /** Objects that were followed in the newest second. */
  tracks: z.number(),
});

/** One finding about a camera: what is the matter, in words, and what to do. */
export const httpFindingSchema = z.object({
  level: z.enum(["ok", "warning", "error"]),
  text: z.string(),
  fix: z.string(),
});

/** What decodes a camera; `default` is ingest's own setting. */
const decode = z.enum(["default", "auto", "cuda", "vaapi", "software"]);

export const httpCameraSettingsSchema = z.strictObject({
  uri: z.string().max(limits.maxUriLength),
  /** Another stream of the same view, which is recorded and watched; empty: that of `uri` is. */
  recordUri: z.string().max(limits.maxUriLength).optional(),
  transport: z.enum(["auto", "tcp", "udp"]).optional(),
  /** Counts from 1; 0 takes the first. */
  videoTrack: z.int().min(0).max(limits.maxVideoTrack).optional(),
  decode: decode.optional(),
  /** What is not there is at its default in a new camera, and stays as it is in a change. */
  recording: httpRecordingSchema.partial().optional(),
  /** Parts of the picture that nobody may see, as polygons; in a change all of them. */
  privacyMasks: privacyMasks.optional(),
  maskedVideo: maskedVideo.optional(),
  targetFps: z.number().optional(),
  model: z.string().max(63).optional(),
  minScore: z.number().optional(),
  classes: z.array(z.string().max(64)).max(limits.maxClasses).optional(),
  /** What the camera belongs to; in a change all of them. */
  labels: labels.optional(),
  /** Its part of the workers' time while there is not enough for all; 0 is 1. */
  weight: z.number().optional(),
  /** Frames per second that it gets first; 0 is none. */
  floorFps: z.number().optional(),
  /** Whose floors are held first: the higher. */
  priority: z.int().optional(),
  /** Models that look at what was found; in a change all of them. */
  secondStages: z
    .array(
      z.strictObject({
        model: z.string().max(63),
        /** Classes whose objects it looks at; empty: all. */
        classes: z.array(z.string().max(64)).max(limits.maxClasses).default([]),
      }),
    )
    .optional(),
});

export const httpNewCameraSchema = httpCameraSettingsSchema.extend({ id: name });

export const httpCameraSchema = z.object({
  id: name,
  uri: z.string(),
  recordUri: z.string(),
  transport: z.enum(["auto", "tcp", "udp"]),
  videoTrack: z.number(),
  decode,
  recording: httpRecordingSchema,
  privacyMasks,
  maskedVideo,
  targetFps: z.number(),
  model: z.string(),
  minScore: z.number(),
  classes: z.array(z.string()),
  labels,
  weight: z.number(),
  floorFps: z.number(),
  priority: z.number(),
  secondStages: z.array(z.object({ model: z.string(), classes: z.array(z.string()) })),
  hasCredentials: z.boolean(),
  hasRecordCredentials: z.boolean(),
  createTime: z.string(),
  updateTime: z.string(),
  etag: z.string(),
  status: httpCameraStatusSchema,
  /** Null until there is a whole second of it. */
  figures: httpFiguresSchema.nullable(),
  findings: z.array(httpFindingSchema),
});

/** Answer to a camera that was registered or changed. */
export const httpChangedCameraSchema = httpCameraSchema.extend({
  /** What the caller should know, in words; empty when there is nothing. */
  warnings: z.array(z.string()),
});

/** Body of PATCH /cameras/{camera}: what is not there stays as it is. */
export const httpCameraChangesSchema = httpCameraSettingsSchema.partial();

/** Answer of GET /cameras. */
export const httpCameraPageSchema = z.object({
  cameras: z.array(httpCameraSchema),
  /** Empty on the last page. */
  nextPageToken: z.string(),
  totalSize: z.number(),
});

export const httpProbeRequestSchema = z.strictObject({
  uri: z.string().max(limits.maxUriLength),
  transport: z.enum(["auto", "tcp", "udp"]).optional(),
  /** Counts from 1; 0 takes the first. */
  videoTrack: z.int().min(0).max(limits.maxVideoTrack).optional(),
});

export const httpProbeSchema = z.discriminatedUnion("ok", [
  z.object({
    ok: z.literal(true),
    codec: z.string(),
    width: z.number(),
    height: z.number(),
    fps: z.number(),
    /** Video tracks that the stream has; `videoTrack` chooses one. */
    videoTracks: z.number(),
    /** A JPEG as `data:` URL; null with `pictureFault` when none came. */
    picture: z.string().nullable(),
    pictureFault: z.string(),
  }),
  z.object({ ok: z.literal(false), reason: z.string(), message: z.string() }),
]);

/** Rules in the form of a rules file: see @sightline/rules for what they mean and how they are checked. */
export const httpRulesSchema = z.object({
  zones: z.array(z.object({ name, polygon })),
  lines: z.array(z.object({ name, start: point, end: point })),
  masks: z.array(z.object({ mode: z.enum(["include", "exclude"]), polygon })),
  rules: z.array(z.record(z.string(), z.unknown())),
  etag: z.string(),
});

/** Body of PUT /cameras/{camera}/rules; with an etag the rules are replaced only if nobody else changed them since. */
export const httpRulesUpdateSchema = httpRulesSchema.extend({ etag: z.string().max(64).optional() });

/** An attribute's value, and its mean probability. */
export const httpAttributesSchema = z.record(z.string(), z.object({ value: z.string(), score: z.number() }));

export const httpTrackSchema = z.object({
  id: z.string(),
  className: z.string(),
  score: z.number(),
  bestScore: z.number(),
  box,
  zones: z.array(z.string()),
  /** What second stages take the object for, by attribute; only where something is known. */
  attributes: httpAttributesSchema.optional(),
});

/** That somebody has looked at an event; `user` is empty where callers are not known. */
export const httpReviewSchema = z.object({ user: z.string(), time: z.string() });

/** What names an event. */
export const httpEventIdSchema = z.strictObject({ camera: z.string().max(63), id: z.string().max(128) });

export const httpEventSchema = z.object({
  camera: z.string(),
  /** Last part of the event's resource name. */
  id: z.string(),
  type: z.string(),
  phase: z.enum(["start", "update", "end", "once"]),
  revision: z.number(),
  rule: z.string(),
  zone: z.string(),
  line: z.string(),
  direction: z.string(),
  track: httpTrackSchema.nullable(),
  count: z.number(),
  startTime: z.string(),
  updateTime: z.string(),
  endTime: z.string().nullable(),
  endReason: z.string(),
  hasSnapshot: z.boolean(),
  /** The object's score in the event's picture; null without one. */
  snapshotScore: z.number().nullable(),
  /** Whether the camera was being recorded, so that there is a clip for as long as it is kept. */
  hasClip: z.boolean(),
  message: z.string(),
  /** Who has looked at it; only where somebody has, and not in exports of a stream (webhooks, MQTT). */
  review: httpReviewSchema.optional(),
});

/** Body of POST /events/review. */
export const httpReviewRequestSchema = z.strictObject({
  events: z.array(httpEventIdSchema).min(1).max(1000),
  reviewed: z.boolean().default(true),
});

/** Answer of it: the events that are kept, and are now as asked. */
export const httpReviewedSchema = z.object({ events: z.array(httpEventIdSchema) });

/** A stretch of video without a gap, of one codec and size. */
export const httpRecordingSpanSchema = z.object({
  startTime: z.string(),
  endTime: z.string(),
  /** h264 or h265. */
  codec: z.string(),
  width: z.number(),
  height: z.number(),
  audio: z.boolean(),
  /** Kept for events only. */
  eventsOnly: z.boolean(),
  /** The ingest process that has it. */
  ingest: z.string(),
});

export const httpRecordingSpansSchema = z.object({
  spans: z.array(httpRecordingSpanSchema),
  /** Ingest processes that did not answer in time and may have more. */
  silentIngests: z.array(z.string()),
});

/** Answer of DELETE /cameras/{camera}/recording. */
export const httpRecordingDeletedSchema = z.object({
  deletedSegments: z.number(),
  deletedBytes: z.number(),
});

/** Answer of DELETE /cameras/{camera}/data. */
export const httpCameraDataDeletedSchema = httpRecordingDeletedSchema.extend({
  deletedEvents: z.number(),
  deletedPictures: z.number(),
  deletedFrames: z.number(),
});

/** How many events have all these in common; what was not asked for is not there. */
export const httpEventCountSchema = z.object({
  /** The full hour in which they began. */
  hour: z.string().optional(),
  camera: z.string().optional(),
  class: z.string().optional(),
  type: z.string().optional(),
  rule: z.string().optional(),
  zone: z.string().optional(),
  line: z.string().optional(),
  direction: z.string().optional(),
  events: z.number(),
  /** How long they lasted, all together. */
  seconds: z.number(),
});

/** Answer of GET /events/counts. */
export const httpEventCountsSchema = z.object({ counts: z.array(httpEventCountSchema) });

export const httpEventPageSchema = z.object({ events: z.array(httpEventSchema), nextPageToken: z.string() });

/** One second of one camera. */
export const httpSampleSchema = z.object({
  timeMs: z.number(),
  /** Frames in this second, from the ledger. */
  captured: z.number(),
  inferred: z.number(),
  dropped: z.record(z.string(), z.number()),
  /** Capture to delivery; null when no frame came. */
  latencyMs: latency.nullable(),
  /** Mean of each stage in milliseconds: decode, queue, batch, infer, post, track, deliver. */
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
      /** Models for second stages that this worker has. */
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
      /** 0 when unbounded. */
      maxBytes: z.number(),
      maxAgeSeconds: z.number(),
      oldestTime: z.string().nullable(),
      consumers: z.number(),
    }),
  ),
  storage: z.object({
    /** Streams that do not take messages, or whose state JetStream does not give; the longest first. */
    faults: z.array(
      z.object({
        stream: z.string(),
        lacks: z.enum(["takes", "gives", "keeps"]),
        reason: z.string(),
        /** JetStream's code of the error; null when it gave no answer. */
        code: z.number().nullable(),
        sinceTime: z.string(),
      }),
    ),
    /** Of NATS's data; null when it cannot be seen from results. */
    disk: z.object({ directory: z.string(), freeBytes: z.number(), sizeBytes: z.number() }).nullable(),
  }),
  /** Sites whose events and pictures are copied here. */
  sites: z
    .array(
      z.object({
        name: z.string(),
        /** Whether it is being read, and what comes is stored. */
        up: z.boolean(),
        /** Since it was last heard, or since results was started. */
        silentSeconds: z.number(),
        /** Messages about events and pictures that are still to come; null while it is not read. */
        pending: z.number().nullable(),
        /** The centre's own camera that is called as one of the site, for which copying waits; else null. */
        clash: z.string().nullable(),
        /** Why what comes from it cannot be stored here; else null. */
        failure: z.string().nullable().default(null),
      }),
    )
    // A server of an earlier version has none.
    .default([]),
  /** What is dropping and where the bottleneck is, worst first. */
  findings: z.array(httpFindingSchema),
});

/** Body of every answer that is no success. `code` is the API's error code (docs/api.md). */
export const httpErrorSchema = z.object({ code: z.string(), message: z.string() });

/** Client to server on the WebSocket `/api/v1/live`, as text. */
export const liveRequestSchema = z.discriminatedUnion("type", [
  /** Replaces the set of cameras whose pictures are wanted; nobody's pictures are made when nobody wants them. */
  z.strictObject({
    type: z.literal("watch"),
    cameras: z
      .array(
        z.strictObject({
          id: name,
          /** Width in pixels that the picture is shown at. */
          width: z.int().min(16).max(4096),
          maxFps: z.number().min(0.1).max(60),
        }),
      )
      .max(256),
  }),
  /** A picture has been drawn; the server has at most two pictures of a camera on their way. */
  z.strictObject({ type: z.literal("drawn"), camera: name }),
]);

/** An analysed frame, and what was detected in it. */
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
      /** Only where second stages know something. */
      attributes: httpAttributesSchema.optional(),
    }),
  ),
});

export const httpAnalysedFramePageSchema = z.object({
  /** By time. */
  frames: z.array(httpAnalysedFrameSchema),
  /** Empty on the last page. */
  nextPageToken: z.string(),
});

/** Server to client on the WebSocket, as text. Pictures are binary: see `livePictureSchema`. */
export const liveMessageSchema = z.discriminatedUnion("type", [
  /** All cameras; first of all, and again after the server lost sight of them. */
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

/** Why the server closes the WebSocket, beside 1001 when it stops. */
export const liveCloseCodes = {
  /** The login or token has ended: log in again. */
  unauthenticated: 4401,
  /** Role or cameras were changed: connect again. */
  accessChanged: 4403,
} as const;

/** Head of a binary message: a 32-bit little-endian length, this as JSON in UTF-8, then the JPEG of the same frame. */
export const livePictureSchema = z.object({
  ...httpAnalysedFrameSchema.shape,
  /** Capture to sending. */
  latencyMs: z.number(),
});

export type HttpAttributes = z.infer<typeof httpAttributesSchema>;
export type HttpCamera = z.infer<typeof httpCameraSchema>;
export type HttpChangedCamera = z.infer<typeof httpChangedCameraSchema>;
export type HttpCameraStatus = z.infer<typeof httpCameraStatusSchema>;
export type HttpRecording = z.infer<typeof httpRecordingSchema>;
export type HttpRecordingStatus = z.infer<typeof httpRecordingStatusSchema>;
export type HttpCameraSettings = z.infer<typeof httpCameraSettingsSchema>;
export type HttpNewCamera = z.infer<typeof httpNewCameraSchema>;
export type HttpCameraChanges = z.infer<typeof httpCameraChangesSchema>;
export type HttpCameraPage = z.infer<typeof httpCameraPageSchema>;
export type HttpFigures = z.infer<typeof httpFiguresSchema>;
export type HttpFinding = z.infer<typeof httpFindingSchema>;
export type HttpProbeRequest = z.infer<typeof httpProbeRequestSchema>;
export type HttpProbe = z.infer<typeof httpProbeSchema>;
export type HttpRules = z.infer<typeof httpRulesSchema>;
export type HttpRulesUpdate = z.infer<typeof httpRulesUpdateSchema>;
export type HttpTrack = z.infer<typeof httpTrackSchema>;
export type HttpEventCount = z.infer<typeof httpEventCountSchema>;
export type HttpEventCounts = z.infer<typeof httpEventCountsSchema>;
export type HttpReview = z.infer<typeof httpReviewSchema>;
export type HttpEvent = z.infer<typeof httpEventSchema>;
export type HttpRecordingSpan = z.infer<typeof httpRecordingSpanSchema>;
export type HttpRecordingSpans = z.infer<typeof httpRecordingSpansSchema>;
export type HttpEventPage = z.infer<typeof httpEventPageSchema>;
export type HttpSample = z.infer<typeof httpSampleSchema>;
export type HttpSeries = z.infer<typeof httpSeriesSchema>;
export type HttpSystem = z.infer<typeof httpSystemSchema>;
export type HttpError = z.infer<typeof httpErrorSchema>;
export type LiveRequest = z.infer<typeof liveRequestSchema>;
export type LiveMessage = z.infer<typeof liveMessageSchema>;
export type HttpAnalysedFrame = z.infer<typeof httpAnalysedFrameSchema>;
export type HttpAnalysedFramePage = z.infer<typeof httpAnalysedFramePageSchema>;
export type LivePicture = z.infer<typeof livePictureSchema>;
