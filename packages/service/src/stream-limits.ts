import { setting } from "./config.ts";

const gibibyte = 1024 ** 3;
const smallest = 16 * 1024 ** 2;
const limit = (usual = gibibyte) => setting.integer(usual, smallest, Number.MAX_SAFE_INTEGER);

/** Settings of results that limit what JetStream stores. */
export const streamLimitSettings = {
  maxBytes: {
    env: "SIGHTLINE_DETECTIONS_MAX_BYTES",
    schema: limit(),
    help: "bytes of frames with their detections that are kept",
  },
  eventsMaxBytes: {
    env: "SIGHTLINE_EVENTS_MAX_BYTES",
    schema: limit(),
    help: "bytes of events that are kept",
  },
  snapshotsMaxBytes: {
    env: "SIGHTLINE_SNAPSHOTS_MAX_BYTES",
    schema: limit(),
    help: "bytes of pictures of events that are kept",
  },
  auditMaxBytes: {
    env: "SIGHTLINE_AUDIT_MAX_BYTES",
    schema: limit(64 * 1024 ** 2),
    help: "bytes of the audit trail that are kept",
  },
} as const;

/** How many bytes each stream with a limit may hold. */
export function streamLimits(
  config: Readonly<Record<keyof typeof streamLimitSettings, number>>,
): Record<"detections" | "timeline" | "events" | "snapshots" | "deadLetters" | "audit", number> {
  return {
    detections: Math.ceil(config.maxBytes / 4),
    timeline: config.maxBytes,
    events: config.eventsMaxBytes,
    snapshots: config.snapshotsMaxBytes,
    deadLetters: 64 * 1024 ** 2,
    audit: config.auditMaxBytes,
  };
}

/** How much JetStream may store in a directory with `heldBytes` of its data, when its disk has `freeBytes` left. */
export function storeLimit(heldBytes: number, freeBytes: number): number {
  return Math.floor(heldBytes + 0.9 * freeBytes);
}
