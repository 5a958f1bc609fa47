import { z } from "zod";
import { box, name, point, polygon } from "./http-parts.ts";

/** Rules in the form of a rules file: see @sightline/rules for what they mean and how they are checked. */
export const httpRulesSchema = z.object({
  zones: z.array(z.object({ name, polygon })),
  lines: z.array(z.object({ name, start: point, end: point })),
  masks: z.array(z.object({ mode: z.enum(["include", "exclude"]), polygon })),
  rules: z.array(z.record(z.string(), z.unknown())),
  etag: z.string(),
});

/** Body of PUT /cameras/{camera}/rules. With an etag, the rules are replaced only if nobody has changed them since. */
export const httpRulesUpdateSchema = httpRulesSchema.extend({ etag: z.string().max(64).optional() });

/** An attribute's value and its mean probability. */
export const httpAttributesSchema = z.record(z.string(), z.object({ value: z.string(), score: z.number() }));

export const httpTrackSchema = z.object({
  id: z.string(),
  className: z.string(),
  score: z.number(),
  bestScore: z.number(),
  box,
  zones: z.array(z.string()),
  /** What second stages say about the object, by attribute; missing when they know nothing. */
  attributes: httpAttributesSchema.optional(),
});

/** Records that somebody has looked at an event; `user` is empty where callers are not identified. */
export const httpReviewSchema = z.object({ user: z.string(), time: z.string() });

/** What identifies an event. */
export const httpEventIdSchema = z.strictObject({ camera: z.string().max(63), id: z.string().max(128) });

export const httpEventSchema = z.object({
  camera: z.string(),
  /** Last part of the event's resource name. */
  id: z.string(),
  type: z.string(),
  phase: z.enum(["start", "update", "end", "once"]),
  revision: z.number(),
  rule: z.string(),
  zone: z.string(),
  line: z.string(),
  direction: z.string(),
  track: httpTrackSchema.nullable(),
  count: z.number(),
  startTime: z.string(),
  updateTime: z.string(),
  endTime: z.string().nullable(),
  endReason: z.string(),
  hasSnapshot: z.boolean(),
  /** The object's score in the event's picture; null without a picture. */
  snapshotScore: z.number().nullable(),
  /** Whether the camera was being recorded; if so, there is a clip for as long as the recording is kept. */
  hasClip: z.boolean(),
  message: z.string(),
  /** Who has looked at it; missing when nobody has, and always in exports of a stream (webhooks, MQTT). */
  review: httpReviewSchema.optional(),
});

/** Body of POST /events/review. */
export const httpReviewRequestSchema = z.strictObject({
  events: z.array(httpEventIdSchema).min(1).max(1000),
  reviewed: z.boolean().default(true),
});

/** Answer: those of the events that still exist, in their new state. */
export const httpReviewedSchema = z.object({ events: z.array(httpEventIdSchema) });

/** Number of events that share these values; fields that were not asked for are missing. */
export const httpEventCountSchema = z.object({
  /** The full hour in which the events began. */
  hour: z.string().optional(),
  camera: z.string().optional(),
  class: z.string().optional(),
  type: z.string().optional(),
  rule: z.string().optional(),
  zone: z.string().optional(),
  line: z.string().optional(),
  direction: z.string().optional(),
  events: z.number(),
  /** Their total duration. */
  seconds: z.number(),
});

/** Answer of GET /events/counts. */
export const httpEventCountsSchema = z.object({ counts: z.array(httpEventCountSchema) });

export const httpEventPageSchema = z.object({ events: z.array(httpEventSchema), nextPageToken: z.string() });

export type HttpAttributes = z.infer<typeof httpAttributesSchema>;
export type HttpRules = z.infer<typeof httpRulesSchema>;
export type HttpRulesUpdate = z.infer<typeof httpRulesUpdateSchema>;
export type HttpTrack = z.infer<typeof httpTrackSchema>;
export type HttpEventCount = z.infer<typeof httpEventCountSchema>;
export type HttpEventCounts = z.infer<typeof httpEventCountsSchema>;
export type HttpReview = z.infer<typeof httpReviewSchema>;
export type HttpEvent = z.infer<typeof httpEventSchema>;
export type HttpEventPage = z.infer<typeof httpEventPageSchema>;
