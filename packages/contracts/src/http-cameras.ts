import { z } from "zod";
import { eachPlain, type PlainSettings, rangeText } from "./camera-settings.ts";
import { eachStatusField, type PlainStatus } from "./camera-status.ts";
import { latency, name, polygon } from "./http-parts.ts";
import { limits } from "./limits.ts";

const labels = z.record(z.string(), z.string());
const privacyMasks = z.array(polygon).max(limits.maxPrivacyMasks);

/** The numbers and choices of a camera; whether a number is in its range is checked together with the other settings. */
const plainShape = eachPlain((_, setting) => {
  if (setting.kind === "choice") return z.enum(Object.keys(setting.choices));
  const bounds = {
    ...{ minimum: Math.min(setting.least, 0), maximum: setting.most },
    description: rangeText(setting),
  };
  return (setting.kind === "whole" ? z.int() : z.number()).meta(bounds);
}) as unknown as { [Name in keyof PlainSettings]: z.ZodType<PlainSettings[Name]> };

export const httpLedgerSchema = z.object({
  captured: z.number(),
  inferred: z.number(),
  /** Count by reason. */
  dropped: z.record(z.string(), z.number()),
  inFlight: z.number(),
});

/** When a camera's video is kept; `default` is ingest's own setting. */
const recordingMode = z.enum(["default", "off", "events", "continuous"]);
const recordingDays = z.number().min(0).max(limits.maxRecordingDays);

export const httpRecordingSchema = z.strictObject({
  mode: recordingMode,
  /** 0 keeps it until the space is needed. */
  maxAgeDays: recordingDays,
  /** For video of events; 0 means the same as `maxAgeDays`. */
  eventsMaxAgeDays: recordingDays,
  audio: z.boolean(),
});

/** State of the stream of `recordUri`. */
export const httpRecordStreamStatusSchema = z.object({
  /** pending: nobody wants this stream. */
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
  /** The mode in effect. */
  mode: z.enum(["off", "events", "continuous"]),
  /** Whether video is being written now. */
  active: z.boolean(),
  /** Why nothing is written although the mode asks for it, with what to do; empty when all is well. */
  message: z.string(),
  /** Why no sound is recorded although it is wanted, with what to do; empty when all is well. */
  soundMessage: z.string(),
  /** On the disk of the ingest that holds the camera. */
  bytes: z.number(),
  oldestTime: z.string().nullable(),
  /** Null where the analysed stream is recorded. */
  stream: httpRecordStreamStatusSchema.nullable(),
});

const ownStatusShape = {
  state: z.enum(["pending", "connecting", "live", "down"]),
  /** Empty when there is none. */
  reason: z.string(),
  /** Null while no ingest reports what it records. */
  recording: httpRecordingStatusSchema.nullable(),
  ledger: httpLedgerSchema,
};

export const httpCameraStatusSchema = z.object(
  eachStatusField(ownStatusShape, (_, { kind }) => {
    if (kind === "text") return z.string();
    return kind === "time" ? z.string().nullable() : z.number();
  }) as typeof ownStatusShape & { [Name in keyof PlainStatus]: z.ZodType<PlainStatus[Name]> },
);

/** Figures of a camera over its last seconds. Findings use the same numbers. */
export const httpFiguresSchema = z.object({
  /** Number of seconds: 10, or fewer when the first data of the camera came later. */
  seconds: z.number(),
  capturedFps: z.number(),
  inferredFps: z.number(),
  /** Share of the frames that should have been analysed and were not, 0..1. */
  lostShare: z.number(),
  /** Capture to delivery, over all frames of these seconds; null when none came. */
  latencyMs: latency.nullable(),
  /** Objects that were tracked in the newest second. */
  tracks: z.number(),
});

/** One finding about a camera: the problem, in words, and what to do. */
export const httpFindingSchema = z.object({
  level: z.enum(["ok", "warning", "error"]),
  text: z.string(),
  fix: z.string(),
});

export const httpCameraSettingsSchema = z.strictObject({
  ...z.object(plainShape).partial().shape,
  uri: z.string().max(limits.maxUriLength),
  /** Another stream of the same view, which is recorded and watched; when empty, the stream of `uri` is used. */
  recordUri: z.string().max(limits.maxUriLength).optional(),
  /** A missing field has its default in a new camera and stays unchanged in an update. */
  recording: httpRecordingSchema.partial().optional(),
  /** Parts of the picture that nobody may see, as polygons; an update replaces all of them. */
  privacyMasks: privacyMasks.optional(),
  model: z.string().max(63).optional(),
  classes: z.array(z.string().max(64)).max(limits.maxClasses).optional(),
  /** What the camera belongs to; an update replaces all labels. */
  labels: labels.optional(),
  /** Models that look at the objects found; an update replaces all of them. */
  secondStages: z
    .array(
      z.strictObject({
        model: z.string().max(63),
        /** The classes whose objects it looks at; empty means all. */
        classes: z.array(z.string().max(64)).max(limits.maxClasses).default([]),
      }),
    )
    .optional(),
});

export const httpNewCameraSchema = httpCameraSettingsSchema.extend({ id: name });

export const httpCameraSchema = z.object({
  id: name,
  ...plainShape,
  uri: z.string(),
  recordUri: z.string(),
  recording: httpRecordingSchema,
  privacyMasks,
  model: z.string(),
  classes: z.array(z.string()),
  labels,
  secondStages: z.array(z.object({ model: z.string(), classes: z.array(z.string()) })),
  hasCredentials: z.boolean(),
  hasRecordCredentials: z.boolean(),
  createTime: z.string(),
  updateTime: z.string(),
  etag: z.string(),
  status: httpCameraStatusSchema,
  /** Null until a whole second has been measured. */
  figures: httpFiguresSchema.nullable(),
  findings: z.array(httpFindingSchema),
});

/** Answer to a camera that was registered or changed. */
export const httpChangedCameraSchema = httpCameraSchema.extend({
  /** What the caller should know, in words; empty when all is well. */
  warnings: z.array(z.string()),
});

/** Body of PATCH /cameras/{camera}: missing fields stay unchanged. */
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
    /** A JPEG as `data:` URL; null when none came, with the reason in `pictureFault`. */
    picture: z.string().nullable(),
    pictureFault: z.string(),
  }),
  z.object({ ok: z.literal(false), reason: z.string(), message: z.string() }),
]);

/** A part of the video without gaps, with one codec and size. */
export const httpRecordingSpanSchema = z.object({
  startTime: z.string(),
  endTime: z.string(),
  /** h264 or h265. */
  codec: z.string(),
  width: z.number(),
  height: z.number(),
  audio: z.boolean(),
  /** Kept only because of events. */
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
export type HttpCamera = z.infer<typeof httpCameraSchema>;
export type HttpChangedCamera = z.infer<typeof httpChangedCameraSchema>;
export type HttpLedger = z.infer<typeof httpLedgerSchema>;
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
export type HttpRecordingSpan = z.infer<typeof httpRecordingSpanSchema>;
export type HttpRecordingSpans = z.infer<typeof httpRecordingSpansSchema>;
