import type { EngineState } from "@sightline/rules";
import type { TrackerState } from "@sightline/tracking";
import { z } from "zod";
import { trackAttributesSchema } from "./track-attributes.ts";

export const analysisStateVersion = 1;

/** Form of an incarnation: ids begin with it, and ids are tokens of NATS subjects. */
export const incarnationPattern = /^[A-Za-z0-9]{1,32}$/;

const timestampSchema = z.strictObject({ seconds: z.int(), nanos: z.int().min(0).max(999_999_999) });

const clockStateSchema = z.strictObject({
  nowMs: z.number(),
  /** Wall clock time of the last entry. */
  time: timestampSchema,
  /** The last frame; null before the first. */
  frame: z
    .strictObject({
      epoch: z.string(),
      captureMs: z.number(),
      ptsMs: z.number(),
      /** Capture time minus presentation time when both were last considered right. */
      offsetMs: z.number(),
      nowMs: z.number(),
    })
    .nullable(),
  /** Whether the last entry was not a frame. */
  hostEntry: z.boolean(),
  /** Times of the last two frames by both clocks, newest last. */
  recentFrames: z.array(z.strictObject({ ms: z.number(), time: timestampSchema })).max(2),
});

/**
 * Tracker and engine check their own parts. Unknown fields from later versions are ignored: a version that makes this wrong must raise
 * the number.
 */
export const analysisStateSchema = z.object({
  version: z.literal(analysisStateVersion),
  incarnation: z.string().regex(incarnationPattern),
  clock: clockStateSchema,
  /** Names of the classes found so far; missing in the state of older versions. */
  classNames: z.array(z.tuple([z.int(), z.string()])).default([]),
  /** Track attributes from second stages; missing in the state of older versions. */
  attributes: trackAttributesSchema.default([]),
  tracker: z.custom<TrackerState>(),
  engine: z.custom<EngineState>(),
});

export type ClockState = z.infer<typeof clockStateSchema>;
/** The complete state of a camera's analysis, as plain JSON. */
export type AnalysisState = z.input<typeof analysisStateSchema>;
