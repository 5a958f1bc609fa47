import type { EngineState } from "@sightline/rules";
import type { TrackerState } from "@sightline/tracking";
import { z } from "zod";
import { trackAttributesSchema } from "./track-attributes.ts";

export const analysisStateVersion = 1;

/** What an incarnation looks like: it begins ids, which are tokens of NATS subjects. */
export const incarnationPattern = /^[A-Za-z0-9]{1,32}$/;

const timestampSchema = z.strictObject({ seconds: z.int(), nanos: z.int().min(0).max(999_999_999) });

const clockStateSchema = z.strictObject({
  nowMs: z.number(),
  /** Wall clock of the last entry. */
  time: timestampSchema,
  /** The last frame; null before the first. */
  frame: z
    .strictObject({
      epoch: z.string(),
      captureMs: z.number(),
      ptsMs: z.number(),
      /** Capture time less presentation time when both were last taken to be right. */
      offsetMs: z.number(),
      nowMs: z.number(),
    })
    .nullable(),
  /** Whether the last entry was none of a frame. */
  hostEntry: z.boolean(),
  /** When the last two frames were, by both clocks, the newest last. */
  recentFrames: z.array(z.strictObject({ ms: z.number(), time: timestampSchema })).max(2),
});

/** Tracker and engine check their own parts. What a later version adds is passed over: it raises the number where that would be wrong. */
export const analysisStateSchema = z.object({
  version: z.literal(analysisStateVersion),
  incarnation: z.string().regex(incarnationPattern),
  clock: clockStateSchema,
  /** Names of the classes that were found; not in what older versions stored. */
  classNames: z.array(z.tuple([z.int(), z.string()])).default([]),
  /** What second stages take tracks for; not in what older versions stored. */
  attributes: trackAttributesSchema.default([]),
  tracker: z.custom<TrackerState>(),
  engine: z.custom<EngineState>(),
});

export type ClockState = z.infer<typeof clockStateSchema>;
/** All that a camera's analysis knows, plain JSON. */
export type AnalysisState = z.input<typeof analysisStateSchema>;
