import {
  CameraReason,
  CameraRules,
  CrossingDirection,
  EventType,
  type FrameReference,
  MaskMode,
  type Timestamp,
  toTimestamp,
} from "@sightline/contracts";
import { z } from "zod";
import { lineMemorySchema } from "../geometry/line-crossing.ts";

export const engineStateVersion = 1;

const timestampSchema = z.strictObject({ seconds: z.int(), nanos: z.int().min(0).max(999_999_999) });
const instantSchema = z.strictObject({ ms: z.number(), time: timestampSchema });
const frameSchema = z.strictObject({
  epoch: z.string(),
  number: z.number(),
  captureTime: timestampSchema,
  ptsUs: z.number(),
}) satisfies z.ZodType<FrameReference>;
const boxSchema = z.strictObject({ xMin: z.number(), yMin: z.number(), xMax: z.number(), yMax: z.number() });

const attributeSchema = z.strictObject({ name: z.string(), value: z.string(), score: z.number() });

const openEventSchema = z.object({
  id: z.string(),
  revision: z.int().positive(),
  start: instantSchema,
  /** When the last message about it went out, by the analysis's clock. */
  sentMs: z.number(),
  /** How good the view in `snapshot` is: score × area, or for counts the count. */
  view: z.number(),
  snapshot: frameSchema.nullable(),
  /** The object's score in that frame; 0 of counts. Not in what older versions stored. */
  snapshotScore: z.number().default(0),
  /** As last told. */
  count: z.int(),
  /** What the object was taken for at the start, which the event keeps; null of counts, and in what older versions stored. */
  objectClass: z.strictObject({ classId: z.int(), className: z.string() }).nullable().default(null),
  /** Attributes as first told of the object, which the event keeps. Not in what older versions stored. */
  attributes: z.array(attributeSchema).default([]),
});

const trackSchema = z.object({
  id: z.string(),
  classId: z.int(),
  className: z.string(),
  score: z.number(),
  bestScore: z.number(),
  pixelBox: boxSchema,
  normalizedBox: boxSchema,
  startTime: timestampSchema,
  /** What second stages take it for. Not in what older versions stored. */
  attributes: z.array(attributeSchema).default([]),
  lastSeen: instantSchema,
  lastFrame: frameSchema.nullable(),
});

const conditionSchema = z.strictObject({
  /** When it first held; null while it does not. */
  since: instantSchema.nullable(),
  /** Whether it has held for the debounce time. */
  confirmed: z.boolean(),
  /** Since when it has not held although confirmed; shorter than the debounce time. */
  overSince: instantSchema.nullable(),
});

/** When the rule last made an event (of the object), by the analysis's clock. */
const lastEventMs = z.number().nullable();

const presenceSchema = z.strictObject({
  track: z.string(),
  condition: conditionSchema,
  lastEventMs,
  event: openEventSchema.nullable(),
});
const crossingSchema = z.strictObject({ track: z.string(), memory: lineMemorySchema, lastEventMs });

const evaluationSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("presence"), presences: z.array(presenceSchema) }),
  z.strictObject({ kind: z.literal("crossing"), crossings: z.array(crossingSchema) }),
  z.strictObject({
    kind: z.literal("count"),
    /** Since when each object has been in place. */
    inPlace: z.array(z.strictObject({ track: z.string(), sinceMs: z.number() })),
    condition: conditionSchema,
    lastEventMs,
    event: openEventSchema.nullable(),
  }),
]);

const ruleStateSchema = z.strictObject({
  name: z.string(),
  /** Null while the rule does not apply. */
  evaluation: evaluationSchema.nullable(),
});

const cameraDownSchema = z.strictObject({
  id: z.string(),
  revision: z.int().positive(),
  start: instantSchema,
  reason: z.enum(CameraReason),
});

/** An enum's value. Earlier versions stored its name as protobuf's JSON form has it, such as `MASK_MODE_EXCLUDE`. */
function enumSchema<Values extends Record<string, number>>(values: Values, prefix: string) {
  const asValue = (stored: unknown) =>
    typeof stored === "string" && stored.startsWith(prefix) ? values[stored.slice(prefix.length)] : stored;
  return z.preprocess(asValue, z.enum(values)).default(0 as never);
}

/**
 * Rules are stored as they are. What earlier versions stored is read too: protobuf's JSON form, which has no fields that are at their default.
 * They also read what is stored now. `checkRules` checks all that is not checked here.
 */
const rulesSchema = z
  .looseObject({
    masks: z.array(z.looseObject({ mode: enumSchema(MaskMode, "MASK_MODE_") })).default([]),
    rules: z
      .array(
        z.looseObject({
          type: enumSchema(EventType, "EVENT_TYPE_"),
          direction: enumSchema(CrossingDirection, "CROSSING_DIRECTION_"),
        }),
      )
      .default([]),
    updateTime: z
      .union([timestampSchema, z.iso.datetime().transform((text) => toTimestamp(Date.parse(text)))])
      .optional(),
  })
  .transform((rules) => CameraRules.fromPartial(rules));

export const engineStateSchema = z.object({
  version: z.literal(engineStateVersion),
  nextEvent: z.int().positive(),
  rules: rulesSchema,
  tracks: z.array(trackSchema),
  evaluations: z.array(ruleStateSchema),
  /** What was last heard of the camera. */
  camera: z.enum(["unknown", "up", "down"]),
  cameraDown: cameraDownSchema.nullable(),
  /** The last frame's time; null before the first, and after the camera went down. */
  lastFrame: instantSchema.nullable(),
});

/** A point in time by two clocks. */
export interface Instant {
  /** Milliseconds of the analysis's own clock, which never goes back and knows no jumps; all durations are by it. */
  readonly ms: number;
  /** Wall clock: what events report, and what active hours are by. */
  readonly time: Timestamp;
}

export type OpenEvent = z.infer<typeof openEventSchema>;
export type TrackState = z.infer<typeof trackSchema>;
export type ConditionState = z.infer<typeof conditionSchema>;
export type PresenceState = z.infer<typeof presenceSchema>;
export type CrossingState = z.infer<typeof crossingSchema>;
export type Evaluation = z.infer<typeof evaluationSchema>;
export type EvaluationOf<Kind extends Evaluation["kind"]> = Extract<Evaluation, { kind: Kind }>;
export type CameraDownState = z.infer<typeof cameraDownSchema>;
/** All that an engine knows, plain JSON. */
export type EngineState = z.infer<typeof engineStateSchema>;
