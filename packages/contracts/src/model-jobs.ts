import { z } from "zod";
import { isModelName } from "./subjects.ts";
import { modelVersionSchema } from "./worker-info.ts";

const idSchema = z.string().regex(/^[0-9a-f]{12}$/);
const time = z.iso.datetime();
const count = z.int().min(0);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const modelName = z.string().refine(isModelName, "the name of a model");
const words = z.string().max(4_000);
const sideSchema = z.int().min(32).max(4_096);
const three = z.tuple([z.number(), z.number(), z.number()]);

/** Files cross NATS and the API in pieces of this many bytes; the last one may be smaller. A whole piece fits into one gRPC message. */
export const pieceBytes = 768 * 1024;

/** Whether `id` may name a job; it becomes part of keys. */
export function isModelJobId(id: string): boolean {
  return idSchema.safeParse(id).success;
}

/** Key of a piece in the bucket of files. `holder` is the job that uploaded or created the file. */
export function pieceKey(holder: string, file: string, piece: number): string {
  return `${holder}.${file}.${piece}`;
}

/** Number of pieces of a file of this size. */
export function pieceCount(bytes: number): number {
  return Math.ceil(bytes / pieceBytes);
}

/** Facts about an exported model that override those of its family. */
export const importSettingsSchema = z.strictObject({
  family: z.string().max(63).optional(),
  classes: z.array(z.string().min(1).max(63)).min(1).max(1_000).optional(),
  /** Size of the pictures, for an exported model that accepts any size. */
  input: z.strictObject({ width: sideSchema, height: sideSchema }).optional(),
  channelOrder: z.enum(["rgb", "bgr"]).optional(),
  placement: z.enum(["centre", "corner", "stretch"]).optional(),
  range: z.enum(["unit", "bytes"]).optional(),
  mean: three.optional(),
  std: three.optional(),
});
export type ImportSettings = z.infer<typeof importSettingsSchema>;

/** A model or one version of it; without a version, the active one. */
export const evaluatedModelSchema = z.strictObject({
  model: modelName,
  version: modelVersionSchema.optional(),
  precision: z.enum(["int8", "fp32"]).optional(),
});
export type EvaluatedModel = z.infer<typeof evaluatedModelSchema>;

/** One file of a model's version, described for people. */
export const inspectedFileSchema = z.object({
  /** As model.json names it: fp32, int8Cpu, int8Trt, trtEngine. */
  encoding: z.string(),
  file: z.string(),
  bytes: count,
  sha256: digest,
  /** What the file is, one sentence per line. */
  words: z.array(words),
  /** Measured accuracy, 0..1, by name such as "ap" and "ap50"; and the kind of processor it was measured on. */
  accuracy: z.record(z.string(), z.number()).optional(),
  measuredOn: z.string().optional(),
});

/** Description of a model's version. */
export const inspectionSchema = z.object({
  model: z.string(),
  version: modelVersionSchema,
  architecture: z.string(),
  width: count,
  height: count,
  classes: z.array(z.string()),
  files: z.array(inspectedFileSchema),
});
export type Inspection = z.infer<typeof inspectionSchema>;

const scoresSchema = z.object({
  ...{ model: z.string(), version: z.string(), encoding: z.string() },
  /** The kind of processor that ran it. */
  processor: z.string(),
  frames: count,
  /** COCO's 12 metrics, 0..1, and those for boxes taller than `minHeight` pixels; -1 where there was nothing to find. */
  metrics: z.record(z.string(), z.number()),
  minHeight: z.number(),
  tallerThan: z.object({ ap: z.number(), ap50: z.number() }),
  /** Mean milliseconds per frame, in a process of low priority. */
  inferenceMs: z.number(),
});
export type ModelScores = z.infer<typeof scoresSchema>;

/** A file that is uploaded in pieces. */
const uploadSchema = z.object({
  /** "export" is an ONNX file, "clip" a video, "labels" COCO annotations. */
  name: z.enum(["export", "clip", "labels"]),
  /** The file's name on the uploader's side. */
  fileName: z.string().max(255),
  bytes: z.int().positive(),
});
export type UploadedFile = z.infer<typeof uploadSchema>;

/** A stored file of a version: its pieces lie in the bucket of files. */
export const keptFileSchema = z.object({ name: z.string(), bytes: count, sha256: digest });
export type KeptFile = z.infer<typeof keptFileSchema>;

const wantedSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("import"),
    model: modelName,
    /** Whether it is a new model, or a version of an existing one. */
    isNew: z.boolean(),
    settings: importSettingsSchema,
  }),
  z.object({
    kind: z.literal("evaluate"),
    models: z.array(evaluatedModelSchema).min(1).max(2),
    /** In pixels: boxes taller than this also get scores of their own. */
    minHeight: z.number().min(0).max(10_000),
  }),
  z.object({ kind: z.literal("inspect"), model: modelName, version: modelVersionSchema }),
]);

/** The result of a job. */
export const modelJobOutcomeSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("import"),
    version: modelVersionSchema,
    /** What was recognised and done, one sentence per line. */
    words: z.array(words),
    /** model.json of the new version. */
    manifest: z.record(z.string(), z.unknown()),
    files: z.array(keptFileSchema),
    inspection: inspectionSchema,
  }),
  z.object({
    kind: z.literal("evaluate"),
    scores: z.array(scoresSchema),
    /** Which parts of the clip could not be read. */
    faults: z.array(words),
  }),
  z.object({ kind: z.literal("inspect"), inspection: inspectionSchema }),
]);
export type ModelJobOutcome = z.infer<typeof modelJobOutcomeSchema>;

/** Work on a model that one worker does besides serving, in a separate process. */
export const modelJobSchema = z.object({
  wanted: wantedSchema,
  files: z.array(uploadSchema),
  /** "prepared": the worker has done its part, and results still has to record the outcome. */
  state: z.enum(["uploading", "waiting", "running", "prepared", "done", "failed", "cancelled"]),
  createdTime: time,
  startedTime: time.optional(),
  endedTime: time.optional(),
  /** The worker that runs it. */
  worker: z.string().optional(),
  /** How often a worker has started it. */
  attempts: count,
  progress: z.object({ done: count, total: count }).optional(),
  /** Why it failed. */
  fault: words.optional(),
  outcome: modelJobOutcomeSchema.optional(),
});
export type ModelJob = z.infer<typeof modelJobSchema>;

/** Key of the job that inspects a version. */
export function inspectionKey(model: string, version: string): string {
  return `inspect.${model}.${version}`;
}

/** A version that was uploaded through the API: every worker copies it to its disk. */
export const storedVersionSchema = z.object({
  model: modelName,
  version: modelVersionSchema,
  /** Whether it lies in the model's own folder, as the first version of a new model does. */
  isOwn: z.boolean(),
  manifest: z.record(z.string(), z.unknown()),
  files: z.array(keptFileSchema),
  /** The job that created the files. */
  holder: idSchema,
  createdTime: time,
  /** Set when it is deleted: workers that have a copy remove it. */
  deletedTime: time.optional(),
});
export type StoredVersion = z.infer<typeof storedVersionSchema>;

/** Key of a stored version. */
export function storedVersionKey(model: string, version: string): string {
  return `${model}.${version}`;
}
