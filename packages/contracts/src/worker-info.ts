import { z } from "zod";
import { pixelFormats } from "./wire.ts";

/** First 12 hexadecimal digits of the digest of a model's files. */
export const modelVersionSchema = z.string().regex(/^[0-9a-f]{12}$/);

/** A model that workers serve: what ingest must send it and what results may promise. */
export const servedModelSchema = z.object({
  name: z.string(),
  /** None from workers of before versions were known. */
  version: modelVersionSchema.optional(),
  architecture: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
  /** Longest picture side after scaling; the rest of the frame is padding of `padValue`. */
  longestSide: z.int().positive(),
  padValue: z.int().min(0).max(255),
  /** Where the picture goes in the frame, in the centre when nothing is said; "stretch" fills the frame, whatever its shape. */
  placement: z.enum(["centre", "corner", "stretch"]).optional(),
  classes: z.array(z.string()).min(1),
  /** Box AP of the file that runs, 0..1, on the data that the model card names. */
  accuracy: z
    .strictObject({
      ap: z.number(),
      ap50: z.number(),
      /** The measured file's encoding, as model.json names it. */
      encoding: z.string().optional(),
      /** The kind of processor that the figures belong to, such as "any CPU". */
      measuredOn: z.string().optional(),
    })
    .optional(),
});
export type ServedModel = z.infer<typeof servedModelSchema>;

/** Which version of a model all its workers are to serve, and which versions there are. */
export const modelVersionsSchema = z.object({
  /** None: each worker serves what lies in the model's own folder. */
  active: modelVersionSchema.optional(),
  /** What a rollback makes active. */
  previous: modelVersionSchema.optional(),
  /** What workers load beside what they serve and try out, and then say whether it can be made active. */
  candidate: z.object({ activation: z.uuid(), version: modelVersionSchema }).optional(),
  /** All that workers have told of, the first seen first: a version's number is its place, from 1. */
  versions: z.array(z.object({ version: modelVersionSchema, seenTime: z.iso.datetime() })),
});
export type ModelVersions = z.infer<typeof modelVersionsSchema>;

/** How a worker fares with the candidate of an activation. */
export const candidateStateSchema = z.object({
  activation: z.uuid(),
  state: z.enum(["loading", "ready", "failed"]),
  /** Why it failed. */
  message: z.string().optional(),
  /** The candidate's classes, when it is ready. */
  classes: z.array(z.string()).optional(),
});
export type CandidateState = z.infer<typeof candidateStateSchema>;

/** A second stage that a worker has. */
export const workerSecondStageSchema = z.object({
  model: z.string(),
  version: modelVersionSchema,
  attributes: z.array(z.object({ name: z.string(), values: z.array(z.string()) })),
  /** Whether it is loaded: it is when a frame of a camera comes that asks for it. */
  loaded: z.boolean(),
  /** Why cameras that ask for it get no attributes from this worker. */
  fault: z.string().optional(),
});
export type WorkerSecondStage = z.infer<typeof workerSecondStageSchema>;

/** What a worker tells about itself while it lives. */
export const workerInfoSchema = z.object({
  id: z.string(),
  host: z.string(),
  model: z.string(),
  modelDigest: z.string(),
  /** The version that runs; none from workers of before versions were known. */
  modelVersion: modelVersionSchema.optional(),
  /** The versions of the model on this worker's disk. */
  versions: z.array(modelVersionSchema).optional(),
  candidate: candidateStateSchema.optional(),
  /** Why it does not serve the active version. */
  versionFault: z.string().optional(),
  /** Further models that this worker loads when a camera asks for them. */
  loadable: z.array(z.string()).optional(),
  /** Models that cameras ask for and that it could serve if it were not for what is said. */
  unserved: z.array(z.object({ model: z.string(), why: z.string() })).optional(),
  /** Versions that came by the API and could not be brought to this worker's disk, and why. */
  unfetched: z
    .array(z.object({ model: z.string(), version: modelVersionSchema, why: z.string() }))
    .optional(),
  /** Models for second stages that this worker has. */
  secondStages: z.array(workerSecondStageSchema).optional(),
  precision: z.string(),
  /** How its session reads frames; gbrp where nothing is said, or what is not known here. */
  pixelFormat: z.enum(pixelFormats).optional().catch(undefined),
  executionProvider: z.string(),
  /** Frames of a batch where more is offered than can be inferred. */
  batchSize: z.int().positive(),
  /** Median milliseconds of one run at each batch size: measured at warm-up, and corrected where sizes were compared since. */
  batchCurve: z.array(z.object({ batch: z.int().positive(), milliseconds: z.number().positive() })),
  /** Sessions that run such batches at the same time; one where nothing is said. */
  sessions: z.int().positive().optional(),
  startTime: z.iso.datetime(),
  /** Over the last seconds: share of the time in which the session ran (mean of several), frames per second, frames per batch. */
  utilization: z.number().min(0).max(1),
  framesPerSecond: z.number().min(0),
  meanBatchSize: z.number().min(0),
});
export type WorkerInfo = z.infer<typeof workerInfoSchema>;
