import { limits } from "./limits.ts";
import { streams } from "./subjects.ts";

const second = 1_000_000_000;

/** How long a delivered token waits for its acknowledgement before another worker gets it, in milliseconds. */
export const tokenAckWaitMs = 10_000;

/** Lifetime of a lease or announcement that is not renewed, in milliseconds. */
export const leaseTtlMs = 2_000;

/** READY: tokens, a work queue. On disk, so that it and its consumers survive a restart of the server. */
export function readyStream(replicas: number) {
  return {
    name: streams.ready,
    subjects: ["ready.*.*"],
    retention: "workqueue" as const,
    storage: "file" as const,
    max_msg_size: 1024,
    num_replicas: replicas,
  };
}

/** Durable consumer of READY for the workers of one model; each token goes to one of them. */
export function readyConsumer(model: string) {
  return {
    durable_name: `workers-${model}`,
    filter_subject: `ready.${model}.*`,
    ack_policy: "explicit" as const,
    ack_wait: (tokenAckWaitMs / 1000) * second,
    max_ack_pending: 10_000,
    max_waiting: 512,
  };
}

/** How much of a stream is kept. */
export interface Retention {
  maxAgeSeconds: number;
  maxBytes: number;
  replicas: number;
}

/** DETECTIONS: what workers found; on disk, deduplicated by message id. */
export function detectionsStream(retention: Retention) {
  return { ...kept(retention), name: streams.detections, subjects: ["detections.*"] };
}

/** TIMELINE: the analysis's results, in order per camera; subscribers to detections read this stream. */
export function timelineStream(retention: Retention) {
  return { ...kept(retention), name: streams.timeline, subjects: ["timeline.*"] };
}

/** EVENTS: every message about every event; the last message of a subject is the event's current state. */
export function eventsStream(retention: Retention) {
  return { ...kept(retention), name: streams.events, subjects: ["events.*.*"], allow_direct: true };
}

/** DEAD_LETTERS: messages that a named subscription could not deliver. */
export function deadLettersStream(retention: Retention) {
  return { ...kept(retention), name: streams.deadLetters, subjects: ["dead-letters.*", "redeliveries.*"] };
}

/** AUDIT: who did what. */
export function auditStream(retention: Retention) {
  return { ...kept(retention), name: streams.audit, subjects: ["audit.>"] };
}

function kept(retention: Retention) {
  return {
    retention: "limits" as const,
    storage: "file" as const,
    discard: "old" as const,
    max_age: retention.maxAgeSeconds * second,
    max_bytes: retention.maxBytes,
    max_msg_size: limits.maxGrpcMessageBytes,
    duplicate_window: 120 * second,
    num_replicas: retention.replicas,
  };
}
