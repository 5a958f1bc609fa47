/** What the HTTP API sends and takes about imports and evaluations of models; it uses the words of model_service.proto. */
import { z } from "zod";
import { importSettingsSchema } from "./model-jobs.ts";

const nullableTime = z.string().nullable();

export const httpInspectionSchema = z.object({
  model: z.string(),
  version: z.string(),
  architecture: z.string(),
  width: z.number(),
  height: z.number(),
  classes: z.array(z.string()),
  files: z.array(
    z.object({
      /** fp32, int8Cpu, int8Trt, trtEngine. */
      encoding: z.string(),
      file: z.string(),
      bytes: z.number(),
      sha256: z.string(),
      /** What the file is, one sentence per entry. */
      words: z.array(z.string()),
      /** Measured accuracy, 0..1, by name such as "ap"; and the kind of processor it was measured on, empty when unknown. */
      accuracy: z.record(z.string(), z.number()),
      measuredOn: z.string(),
    }),
  ),
});
export const httpInspectedSchema = z.object({
  /** Null while a worker is still examining it: ask again. */
  inspection: httpInspectionSchema.nullable(),
  /** Why there is no result yet. */
  message: z.string(),
});

export const httpModelScoresSchema = z.object({
  model: z.string(),
  version: z.string(),
  encoding: z.string(),
  processor: z.string(),
  frames: z.number(),
  /** COCO's 12 metrics by name, 0..1; -1 where there was nothing to find. */
  metrics: z.record(z.string(), z.number()),
  minHeight: z.number(),
  apTaller: z.number(),
  ap50Taller: z.number(),
  inferenceMs: z.number(),
});

export const httpModelJobSchema = z.object({
  id: z.string(),
  kind: z.enum(["import", "evaluation"]),
  state: z.enum(["uploading", "waiting", "running", "done", "failed", "cancelled"]),
  /** Of an import: the model that gets the new version. Null for an evaluation. */
  model: z.string().nullable(),
  isNew: z.boolean(),
  /** Only for an evaluation. */
  models: z.array(z.object({ model: z.string(), version: z.string(), precision: z.string() })),
  minHeight: z.number(),
  files: z.array(z.object({ name: z.string(), fileName: z.string(), bytes: z.number() })),
  /** Size of each piece of a file except the last. */
  pieceBytes: z.number(),
  createdTime: z.string(),
  startedTime: nullableTime,
  endedTime: nullableTime,
  worker: z.string(),
  /** Frames scored, and their total; 0 where unknown. */
  done: z.number(),
  total: z.number(),
  /** What it waits for, or why it failed. */
  message: z.string(),
  /** The version that the import created, and what was recognised. */
  imported: z.object({ version: z.string(), words: z.array(z.string()) }).nullable(),
  scores: z.array(httpModelScoresSchema),
  /** Which parts of the clip could not be read. */
  faults: z.array(z.string()),
});
export const httpModelJobsSchema = z.object({ jobs: z.array(httpModelJobSchema) });

const newFile = z.strictObject({ fileName: z.string().max(255), bytes: z.int().positive() });

export const httpNewImportSchema = z.strictObject({
  model: z.string().max(63),
  /** True when the model must be new; otherwise it becomes a version of an existing one. */
  isNew: z.boolean(),
  settings: importSettingsSchema.optional(),
  file: newFile.describe("The ONNX file that follows in pieces, as `export`."),
});

export const httpNewEvaluationSchema = z.strictObject({
  models: z
    .array(
      z.strictObject({
        model: z.string().max(63),
        version: z.string().max(64).optional(),
        precision: z.enum(["int8", "fp32"]).optional(),
      }),
    )
    .min(1)
    .max(2),
  minHeight: z.number().min(0).max(10_000).optional(),
  clip: newFile.describe("The video that follows in pieces, as `clip`."),
  labels: newFile.describe("The COCO annotations that follow in pieces, as `labels`."),
});

export type HttpInspection = z.infer<typeof httpInspectionSchema>;
export type HttpInspected = z.infer<typeof httpInspectedSchema>;
export type HttpModelScores = z.infer<typeof httpModelScoresSchema>;
export type HttpModelJob = z.infer<typeof httpModelJobSchema>;
export type HttpModelJobs = z.infer<typeof httpModelJobsSchema>;
export type HttpNewImport = z.infer<typeof httpNewImportSchema>;
export type HttpNewEvaluation = z.infer<typeof httpNewEvaluationSchema>;
