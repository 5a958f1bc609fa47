import { z } from "zod";
import { modelVersionSchema } from "./worker-info.ts";

const precisionSchema = z.enum(["int8", "fp32"]);
const idSchema = z.string().regex(/^[0-9a-f]{12}$/);
const countSchema = z.int().min(0);
const coordinate = z.number();

/** Whether `id` may name a shadow; it becomes a NATS subject token. */
export function isShadowId(id: string): boolean {
  return idSchema.safeParse(id).success;
}

/** A share of a camera's frames is also run by another model, which the camera's results know nothing of. */
export const modelShadowSchema = z.object({
  camera: z.string(),
  /** The other model: its active version unless one is named, as the worker would run it unless a precision is named. */
  model: z.string(),
  version: modelVersionSchema.optional(),
  precision: precisionSchema.optional(),
  /** Share of the camera's frames. */
  share: z.number().gt(0).max(1),
  startTime: z.iso.datetime(),
  /** None: until it is stopped. */
  endTime: z.iso.datetime().optional(),
});
export type ModelShadow = z.infer<typeof modelShadowSchema>;

/** What runs on one side of a comparison. */
export const shadowSideSchema = z.object({
  model: z.string(),
  version: z.string(),
  precision: z.string(),
});
export type ShadowSide = z.infer<typeof shadowSideSchema>;

/** How the boxes of a class compare: found by both (IoU of 0.5 at least), by the shadow alone, by the camera's model alone. */
export const classAgreementSchema = z.object({
  both: countSchema,
  gained: countSchema,
  lost: countSchema,
  /** Over the boxes of both: sum of the shadow's score minus that of the camera's model, and of its size. */
  scoreChange: z.number(),
  scoreDistance: z.number(),
});
export type ClassAgreement = z.infer<typeof classAgreementSchema>;

/** A box of a comparison. */
export const shadowBoxSchema = z.object({
  kind: z.enum(["both", "gained", "lost"]),
  class: z.string(),
  /** Left, top, right, bottom, in 0..1 of the picture. */
  box: z.tuple([coordinate, coordinate, coordinate, coordinate]),
  /** What the camera's model and the shadow gave it; none where it was not found. */
  score: z.number().optional(),
  shadowScore: z.number().optional(),
});
export type ShadowBox = z.infer<typeof shadowBoxSchema>;

/** A frame that both models ran. */
export const shadowFrameSchema = z.object({
  epoch: z.string().max(32),
  number: z.int().positive(),
  /** Milliseconds since 1970. */
  captureTimeMs: z.number(),
  /** Sum of the scores of boxes that one alone found, and of the distances of the others. */
  difference: z.number().min(0),
  boxes: z.array(shadowBoxSchema),
});
export type ShadowFrame = z.infer<typeof shadowFrameSchema>;

/** What a worker tells of a shadow. */
export const shadowMessageSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("frame"),
    frame: shadowFrameSchema,
    /** By class. */
    classes: z.record(z.string(), classAgreementSchema),
    camera: shadowSideSchema,
    shadow: shadowSideSchema,
    /** Milliseconds of the camera's model for the batch with the frame, and how many frames that had; of the shadow for the frame alone. */
    cameraMs: z.number().min(0),
    cameraBatch: z.int().positive(),
    shadowMs: z.number().min(0),
  }),
  z.object({
    kind: z.literal("state"),
    worker: z.string(),
    state: z.enum(["loading", "running", "failed"]),
    /** Why it failed. */
    message: z.string().optional(),
    /** Frames that were to be run and were not, because the worker was busy, since it began. */
    dropped: countSchema,
  }),
]);
export type ShadowMessage = z.infer<typeof shadowMessageSchema>;

const latencySchema = z.object({ count: countSchema, sumMs: z.number(), maxMs: z.number() });

/** What has been found out, as results keeps it. */
export const shadowReportSchema = z.object({
  shadow: modelShadowSchema,
  /** When it ended; none while it runs. */
  endedTime: z.iso.datetime().optional(),
  frames: countSchema,
  /** By worker, as it last told. */
  workers: z.record(
    z.string(),
    z.object({ state: z.string(), message: z.string().optional(), dropped: countSchema }),
  ),
  camera: shadowSideSchema.optional(),
  other: shadowSideSchema.optional(),
  classes: z.record(z.string(), classAgreementSchema),
  cameraLatency: latencySchema,
  /** Sum of the sizes of the batches. */
  cameraBatches: z.number().min(0),
  shadowLatency: latencySchema,
  /** Those with the biggest differences, the biggest first. */
  biggest: z.array(shadowFrameSchema.extend({ hasPicture: z.boolean() })),
});
export type ShadowReport = z.infer<typeof shadowReportSchema>;
