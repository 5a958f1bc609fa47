import { z } from "zod";
import { pixelFormats } from "./wire.ts";

/** First 12 hexadecimal digits of the digest of a model's files. */
export const modelVersionSchema = z.string().regex(/^[0-9a-f]{12}$/);

/** A model that workers serve: what ingest must send to it, and what results may promise. */
export const servedModelSchema = z.object({
  name: z.string(),
  /** Missing from workers of releases that do not know versions. */
  version: modelVersionSchema.optional(),
  architecture: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
  /** Longest side of the picture after scaling; the rest of the frame is padding with `padValue`. */
  longestSide: z.int().positive(),
  padValue: z.int().min(0).max(255),
  /** Where the picture lies in the frame; the centre when missing; "stretch" fills the frame, whatever the picture's shape. */
  placement: z.enum(["centre", "corner", "stretch"]).optional(),
  classes: z.array(z.string()).min(1),
  /** Box AP of the running file, 0..1, on the data named in the model card. */
  accuracy: z
    .strictObject({
      ap: z.number(),
      ap50: z.number(),
      /** Encoding of the measured file, as in model.json. */
      encoding: z.string().optional(),
      /** The kind of processor that was used for the figures, such as "any CPU". */
      measuredOn: z.string().optional(),
    })
    .optional(),
});
export type ServedModel = z.infer<typeof servedModelSchema>;

/** Which version of a model all its workers should serve, and which versions exist. */
export const modelVersionsSchema = z.object({
  /** Missing: each worker serves the files in the model's own folder. */
  active: modelVersionSchema.optional(),
  /** The version that a rollback makes active. */
  previous: modelVersionSchema.optional(),
  /** The version that workers load in addition to those they serve and try out, to report whether it can be made active. */
  candidate: z.object({ activation: z.uuid(), version: modelVersionSchema }).optional(),
  /** All versions that workers have reported, oldest first: a version's number is its position, from 1. */
  versions: z.array(z.object({ version: modelVersionSchema, seenTime: z.iso.datetime() })),
});
export type ModelVersions = z.infer<typeof modelVersionsSchema>;

/** A worker's state for the candidate of an activation. */
export const candidateStateSchema = z.object({
  activation: z.uuid(),
  state: z.enum(["loading", "ready", "failed"]),
  /** Why it failed. */
  message: z.string().optional(),
  /** The candidate's classes, once it is ready. */
  classes: z.array(z.string()).optional(),
});
export type CandidateState = z.infer<typeof candidateStateSchema>;

/** A second stage that a worker has. */
export const workerSecondStageSchema = z.object({
  model: z.string(),
  version: modelVersionSchema,
  attributes: z.array(z.object({ name: z.string(), values: z.array(z.string()) })),
  /** Whether it is loaded; it is loaded when a frame comes from a camera that uses it. */
  loaded: z.boolean(),
  /** Why cameras that use it get no attributes from this worker. */
  fault: z.string().optional(),
});
export type WorkerSecondStage = z.infer<typeof workerSecondStageSchema>;

/** What a worker publishes about itself while it lives. */
export const workerInfoSchema = z.object({
  id: z.string(),
  host: z.string(),
  model: z.string(),
  modelDigest: z.string(),
  /** The version that runs; missing from workers of releases that do not know versions. */
  modelVersion: modelVersionSchema.optional(),
  /** The versions of the model on this worker's disk. */
  versions: z.array(modelVersionSchema).optional(),
  candidate: candidateStateSchema.optional(),
  /** Why the worker does not serve the active version. */
  versionFault: z.string().optional(),
  /** Further models that this worker loads when a camera asks for them. */
  loadable: z.array(z.string()).optional(),
  /** Models that cameras ask for and that this worker could serve, except for the reason in `why`. */
  unserved: z.array(z.object({ model: z.string(), why: z.string() })).optional(),
  /** Versions that were uploaded through the API and could not be copied to this worker's disk, and why. */
  unfetched: z
    .array(z.object({ model: z.string(), version: modelVersionSchema, why: z.string() }))
    .optional(),
  /** Second-stage models that this worker has. */
  secondStages: z.array(workerSecondStageSchema).optional(),
  precision: z.string(),
  /** The pixel layout that its session reads; gbrp when missing or unknown to this version. */
  pixelFormat: z.enum(pixelFormats).optional().catch(undefined),
  executionProvider: z.string(),
  /** Frames per batch when more frames are offered than can be inferred. */
  batchSize: z.int().positive(),
  /** Median milliseconds of one run at each batch size: measured at warm-up, and corrected when batch sizes were compared later. */
  batchCurve: z.array(z.object({ batch: z.int().positive(), milliseconds: z.number().positive() })),
  /** Number of sessions that run such batches at the same time; one when missing. */
  sessions: z.int().positive().optional(),
  startTime: z.iso.datetime(),
  /**
   * Over the last seconds: share of the time in which the session ran (the mean over several sessions), frames per second, frames per
   * batch.
   */
  utilization: z.number().min(0).max(1),
  framesPerSecond: z.number().min(0),
  meanBatchSize: z.number().min(0),
});
export type WorkerInfo = z.infer<typeof workerInfoSchema>;
