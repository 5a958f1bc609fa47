/** What the HTTP API sends and takes about models and shadows; it uses the words of model_service.proto. */
import { z } from "zod";

export const httpModelVersionSchema = z.object({
  /** First 12 digits of the digest of its files. */
  version: z.string(),
  number: z.number(),
  active: z.boolean(),
  /** Whether a rollback would make it active. */
  previous: z.boolean(),
  servingWorkers: z.number(),
  workersWith: z.number(),
  workersWithout: z.number(),
  seenTime: z.string().nullable(),
  /** Whether it was uploaded through the API, and can be deleted through it. */
  uploaded: z.boolean(),
});

export const httpModelSchema = z.object({
  name: z.string(),
  architecture: z.string(),
  classes: z.array(z.string()),
  width: z.number(),
  height: z.number(),
  activeVersion: z.string(),
  /** Empty when there is no version to go back to. */
  previousVersion: z.string(),
  /** Workers that have it loaded. */
  workers: z.number(),
  /** The precisions that these workers run: int8, fp32. */
  precisions: z.array(z.string()),
  /** Digests of the files that these workers run. */
  digests: z.array(z.string()),
  /** Ids of the cameras that ask for it. */
  cameras: z.array(z.string()),
  versions: z.array(httpModelVersionSchema),
});
export const httpModelsSchema = z.object({
  models: z.array(httpModelSchema),
  /** Uploaded versions that a worker could not store on its disk, and why. */
  faults: z.array(z.string()),
});

/** Its number, or the first digits of its digest. */
export const httpActivateSchema = z.strictObject({ version: z.string().min(1).max(64) });

export const httpActivatedSchema = z.object({
  version: httpModelVersionSchema,
  /** Problems that exist now, in words. */
  warnings: z.array(z.string()),
});

const shadowSide = z.object({
  model: z.string(),
  version: z.string(),
  precision: z.string(),
  meanRunMs: z.number(),
  maxRunMs: z.number(),
  meanBatch: z.number(),
});

const shadowClass = z.object({
  /** Empty for all classes together. */
  class: z.string(),
  both: z.number(),
  /** Found only by the shadow, and only by the camera's model. */
  gained: z.number(),
  lost: z.number(),
  /** 0..1. */
  agreement: z.number(),
  meanScoreChange: z.number(),
  meanScoreDistance: z.number(),
});

export const httpShadowSchema = z.object({
  id: z.string(),
  camera: z.string(),
  model: z.string(),
  /** As requested. Empty: the active version, and the precision that the worker runs. */
  version: z.string(),
  precision: z.string(),
  share: z.number(),
  startTime: z.string(),
  /** Null: it runs until it is stopped. */
  endTime: z.string().nullable(),
  /** Null while it runs. */
  endedTime: z.string().nullable(),
  frames: z.number(),
  workers: z.array(
    z.object({ worker: z.string(), state: z.string(), message: z.string(), dropped: z.number() }),
  ),
  /** Null before the first frame. */
  cameraSide: shadowSide.nullable(),
  shadowSide: shadowSide.nullable(),
  classes: z.array(shadowClass),
  total: shadowClass,
  /** The biggest differences; missing in a list of shadows. */
  biggest: z.array(
    z.object({
      id: z.string(),
      captureTime: z.string(),
      difference: z.number(),
      gained: z.number(),
      lost: z.number(),
      hasPicture: z.boolean(),
    }),
  ),
});
export const httpShadowsSchema = z.object({ shadows: z.array(httpShadowSchema) });

export const httpNewShadowSchema = z.strictObject({
  camera: z.string().max(63),
  model: z.string().max(63),
  version: z.string().max(64).optional(),
  precision: z.enum(["int8", "fp32"]).optional(),
  share: z.number().gt(0).max(1).optional(),
  /** If missing, it runs until it is stopped. */
  seconds: z
    .int()
    .min(1)
    .max(31 * 86_400)
    .optional(),
});

export type HttpModel = z.infer<typeof httpModelSchema>;
export type HttpModels = z.infer<typeof httpModelsSchema>;
export type HttpModelVersion = z.infer<typeof httpModelVersionSchema>;
export type HttpActivated = z.infer<typeof httpActivatedSchema>;
export type HttpShadow = z.infer<typeof httpShadowSchema>;
export type HttpShadows = z.infer<typeof httpShadowsSchema>;
export type HttpNewShadow = z.infer<typeof httpNewShadowSchema>;
