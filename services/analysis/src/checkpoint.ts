import type { AnalysisState } from "@sightline/analysis";
import { analysisPlaceSchema, encodeJson } from "@sightline/contracts";
import { z } from "zod";
import { publishedFramesSchema } from "./published-frames.ts";

const sequence = z.int().min(0);

/**
 * A state of a camera's analysis: every event up to the entry `timelineSequence` is published, and every message up to
 * `detectionsSequence` of the stream of detections is taken into account. An old checkpoint is as correct as a new one;
 * only more of the timeline must be read again. The analysis checks its own part.
 */
const checkpointSchema = analysisPlaceSchema.extend({
  /** A stream that was created again counts from 1. */
  timelineMaking: z.string(),
  detectionsMaking: z.string(),
  /** Older versions did not store it. */
  eventsMaking: z.string().optional(),
  /** None of the camera's messages up to here was missed, or the missed ones have been recorded. */
  detectionsComplete: sequence.optional(),
  /** The camera's last event in the stream of events; older versions did not store it. */
  eventsSequence: sequence.default(0),
  /** Frames in the timeline, some of which have a sequence above `detectionsSequence`. */
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

/** Reads a checkpoint; undefined when this version does not know its form. */
export function decodeCheckpoint(data: Uint8Array): Checkpoint | undefined {
  try {
    return checkpointSchema.parse(JSON.parse(new TextDecoder().decode(data)));
  } catch {
    return undefined;
  }
}
