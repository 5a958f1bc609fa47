/** How to find the process that has a camera's recording on its disk. The video itself goes by HTTP, never over NATS. */
import { z } from "zod";
import { RecordingMode, type RecordingStatus } from "./gen/sightline/v1/camera.ts";

/** Request on `subjects.recordingsFind`. Times are milliseconds since 1970. */
export const recordingsRequestSchema = z.object({
  fromMs: z.number(),
  /** Later than `fromMs`. */
  toMs: z.number(),
});
export type RecordingsRequest = z.infer<typeof recordingsRequestSchema>;

/** A part of the video without gaps, with one codec and size. */
export const recordingSpanSchema = z.object({
  /** Capture time of the first picture, and of the end of the last. */
  fromMs: z.number(),
  toMs: z.number(),
  /** RTP's name in lower case: h264, h265. */
  codec: z.string(),
  /** Size of the picture as it is shown, in pixels. */
  width: z.int().min(0),
  height: z.int().min(0),
  audio: z.boolean(),
  /** Kept because of events. */
  eventsOnly: z.boolean(),
});
export type RecordedSpan = z.infer<typeof recordingSpanSchema>;

/** One ingest's answer. An ingest that has nothing in the range answers with no spans, so that nobody waits for it. */
export const recordingsAnswerSchema = z.object({
  /** Id of the ingest, the same as in its lease. */
  ingest: z.string(),
  /** Base URL of its HTTP server for other processes, such as `http://10.0.0.5:9464`. */
  url: z.url({ protocol: /^https?$/ }),
  /** For the header `Authorization: Bearer …`; each process has a new one. */
  token: z.string(),
  /** What it has in the range, sorted by time; the first and last span may extend beyond the range. */
  spans: z.array(recordingSpanSchema),
  /** How much video it keeps before and after each event, in milliseconds. */
  preRollMs: z.number().min(0),
  postRollMs: z.number().min(0),
});
export type RecordingsAnswer = z.infer<typeof recordingsAnswerSchema>;

/** One file of a recording, as an ingest lists it at `/recordings/{camera}/segments`. */
export const recordingSegmentSchema = z.object({
  /** Names the file in `/recordings/{camera}/segments/{id}`. */
  id: z.string(),
  fromMs: z.number(),
  toMs: z.number(),
  bytes: z.int().positive(),
  /** Bytes of the initialization section (`ftyp` and `moov`) at the start of the file. */
  initBytes: z.int().positive(),
  codec: z.string(),
  width: z.int().min(0),
  height: z.int().min(0),
  /** Whether it has sound; an ingest of a version without sound does not send this field. */
  audio: z.literal(true).optional(),
});
export type RecordingSegment = z.infer<typeof recordingSegmentSchema>;

export const recordingSegmentsSchema = z.object({ segments: z.array(recordingSegmentSchema) });

/** Answer of `DELETE /recordings/{camera}`. */
export const recordingsDeletedSchema = z.object({
  deletedSegments: z.int().min(0),
  deletedBytes: z.number().min(0),
});

/** Paths on an ingest's HTTP server; times in queries are `from_ms` and `to_ms`. */
export const recordingPaths = {
  /** GET: one MP4; with `audio=0` it has no sound, otherwise as in the files. */
  video: (camera: string) => `/recordings/${camera}/video`,
  /** GET: recordingSegmentsSchema. */
  segments: (camera: string) => `/recordings/${camera}/segments`,
  /** GET: the file. */
  segment: (camera: string, id: string) => `/recordings/${camera}/segments/${id}`,
  /** GET: the picture captured at `at_ms` as JPEG, its size in `pictureSizeHeader`. */
  picture: (camera: string) => `/recordings/${camera}/picture`,
  /** DELETE: recordingsDeletedSchema. */
  camera: (camera: string) => `/recordings/${camera}`,
} as const;

/** Headers of an answer with video: the capture times of its first picture and of the end of its last, in milliseconds since 1970. */
export const videoFromHeader = "sightline-from-ms";
export const videoToHeader = "sightline-to-ms";

/** Header of an answer with a picture: its width and height in pixels, such as 1920x1080. */
export const pictureSizeHeader = "sightline-picture-size";

/** Whether a camera's video is recorded, at least around events, or would be if the camera sent any. */
export function isRecorded(status: RecordingStatus | undefined): boolean {
  const mode = status?.mode ?? RecordingMode.UNSPECIFIED;
  return (mode === RecordingMode.EVENTS || mode === RecordingMode.CONTINUOUS) && status?.message === "";
}
