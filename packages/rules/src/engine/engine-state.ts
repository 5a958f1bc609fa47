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
  /** When the last message about the event was published, by the analysis's clock. */
  sentMs: z.number(),
  /** How good the view in `snapshot` is: score × area, or the count for count rules. */
  view: z.number(),
  snapshot: frameSchema.nullable(),
  /** The object's score in that frame; 0 for count rules. Older versions did not store it. */
  snapshotScore: z.number().default(0),
  /** As last published. */
  count: z.int(),
  /** The object's class at the start, which the event keeps; null for count rules, and in what older versions stored. */
  objectClass: z.strictObject({ classId: z.int(), className: z.string() }).nullable().default(null),
  /** The attributes that were published first, which the event keeps. Older versions did not store them. */
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
  /** Attributes from second stages. Older versions did not store them. */
  attributes: z.array(attributeSchema).default([]),
  lastSeen: instantSchema,
  lastFrame: frameSchema.nullable(),
});

const conditionSchema = z.strictObject({
  /** When the condition began to hold; null while it does not hold. */
  since: instantSchema.nullable(),
  /** Whether it has held for the debounce time. */
  confirmed: z.boolean(),
  /** Since when a confirmed condition has not held; this is shorter than the debounce time. */
  overSince: instantSchema.nullable(),
});

/** When the rule last made an event (for the object), by the analysis's clock. */
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

/** An enum's value. Earlier versions stored its name as in protobuf's JSON form, such as `MASK_MODE_EXCLUDE`. */
function enumSchema<Values extends Record<string, number>>(values: Values, prefix: string) {
  const asValue = (stored: unknown) =>
    typeof stored === "string" && stored.startsWith(prefix) ? values[stored.slice(prefix.length)] : stored;
  return z.preprocess(asValue, z.enum(values)).default(0 as never);
}

/**
 * Rules are stored as they are. What earlier versions stored can be read too: protobuf's JSON form, which leaves out fields with default
 * values. Earlier versions can also read what is stored now. `checkRules` checks everything that is not checked here.
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
  /** The last known state of the camera. */
  camera: z.enum(["unknown", "up", "down"]),
  cameraDown: cameraDownSchema.nullable(),
  /** The last frame's time; null before the first frame, and after the camera went down. */
  lastFrame: instantSchema.nullable(),
});

/** A point in time on two clocks. */
export interface Instant {
  /** Milliseconds of the analysis's own clock, which never goes back or jumps; all durations use it. */
  readonly ms: number;
  /** Wall clock: used in events and for active hours. */
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
/** Everything that an engine knows, as plain JSON. */
export type EngineState = z.infer<typeof engineStateSchema>;
