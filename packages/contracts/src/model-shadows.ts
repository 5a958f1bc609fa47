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

/** A share of a camera's frames is also run by another model. This does not change the camera's results. */
export const modelShadowSchema = z.object({
  camera: z.string(),
  /** The other model: its active version unless a version is given, and the worker's usual precision unless one is given. */
  model: z.string(),
  version: modelVersionSchema.optional(),
  precision: precisionSchema.optional(),
  /** Share of the camera's frames. */
  share: z.number().gt(0).max(1),
  startTime: z.iso.datetime(),
  /** Missing: it runs until it is stopped. */
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

/** How the boxes of a class compare: found by both models (IoU of at least 0.5), only by the shadow, only by the camera's model. */
export const classAgreementSchema = z.object({
  both: countSchema,
  gained: countSchema,
  lost: countSchema,
  /** Over the boxes found by both: sum of the shadow's score minus that of the camera's model, and the same for the size. */
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
  /** Scores from the camera's model and from the shadow; missing where the model did not find the box. */
  score: z.number().optional(),
  shadowScore: z.number().optional(),
});
export type ShadowBox = z.infer<typeof shadowBoxSchema>;

/** A frame that both models have run. */
export const shadowFrameSchema = z.object({
  epoch: z.string().max(32),
  number: z.int().positive(),
  /** Milliseconds since 1970. */
  captureTimeMs: z.number(),
  /** Sum of the scores of boxes that only one model found, and of the distances of the other boxes. */
  difference: z.number().min(0),
  boxes: z.array(shadowBoxSchema),
});
export type ShadowFrame = z.infer<typeof shadowFrameSchema>;

/** What a worker reports about a shadow. */
export const shadowMessageSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("frame"),
    frame: shadowFrameSchema,
    /** By class. */
    classes: z.record(z.string(), classAgreementSchema),
    camera: shadowSideSchema,
    shadow: shadowSideSchema,
    /**
     * Milliseconds of the camera's model for the batch with this frame, and the size of that batch; milliseconds of the shadow for this
     * frame alone.
     */
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
    /** Frames that should have been run but were not because the worker was busy, since the shadow began. */
    dropped: countSchema,
  }),
]);
export type ShadowMessage = z.infer<typeof shadowMessageSchema>;

const latencySchema = z.object({ count: countSchema, sumMs: z.number(), maxMs: z.number() });

/** The result so far, as results stores it. */
export const shadowReportSchema = z.object({
  shadow: modelShadowSchema,
  /** When it ended; missing while it runs. */
  endedTime: z.iso.datetime().optional(),
  frames: countSchema,
  /** By worker: its last report. */
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
  /** The frames with the biggest differences, biggest first. */
  biggest: z.array(shadowFrameSchema.extend({ hasPicture: z.boolean() })),
});
export type ShadowReport = z.infer<typeof shadowReportSchema>;
