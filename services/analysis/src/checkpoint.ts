import type { AnalysisState } from "@sightline/analysis";
import { analysisPlaceSchema, encodeJson } from "@sightline/contracts";
import { z } from "zod";
import { publishedFramesSchema } from "./published-frames.ts";

const sequence = z.int().min(0);

/**
 * Where the analysis of a camera stood once: every event up to the entry `timelineSequence` is published, and every
 * message up to `detectionsSequence` of the stream of detections is taken into account. An old one is as right as a new
 * one; it only leaves more of the timeline to be read again. The analysis checks its own part.
 */
const checkpointSchema = analysisPlaceSchema.extend({
  /** A stream that was made anew counts from 1 again. */
  timelineMaking: z.string(),
  detectionsMaking: z.string(),
  /** Not in what older versions stored. */
  eventsMaking: z.string().optional(),
  /** None of the camera's messages up to here was missed, or those that were are told. */
  detectionsComplete: sequence.optional(),
  /** The camera's last event in the stream of events; not in what older versions stored. */
  eventsSequence: sequence.default(0),
  /** Frames in the timeline, of which some have a sequence above `detectionsSequence`. */
  publishedAhead: publishedFramesSchema,
  down: z.boolean(),
  rulesEtag: z.string(),
  framesEndMs: z.number().nullish(),
  analysis: z.custom<AnalysisState>((value) => typeof value === "object" && value !== null),
});
export type Checkpoint = z.infer<typeof checkpointSchema>;

export function encodeCheckpoint(checkpoint: Omit<Checkpoint, "version">): Uint8Array {
  return encodeJson({ version: 1, ...checkpoint } satisfies Checkpoint);
}

/** Reads a checkpoint; undefined when it is none that this version knows. */
export function decodeCheckpoint(data: Uint8Array): Checkpoint | undefined {
  try {
    return checkpointSchema.parse(JSON.parse(new TextDecoder().decode(data)));
  } catch {
    return undefined;
  }
}
