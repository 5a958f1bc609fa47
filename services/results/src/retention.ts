import type { Retention } from "@sightline/contracts";
import type { ResultsConfig } from "./config.ts";

/**
 * What workers found is needed only until it has been analysed, so it has to outlast an outage of results, and no more:
 * 2 hours, which at 40 frames/s of 600 bytes are 170 MB.
 */
const rawHours = 2;

const deadLetterBytes = 64 * 1024 ** 2;

/** How much is kept of each stream that results provides. */
export function retentionOf(config: ResultsConfig) {
  const { replicas, maxAgeHours, maxBytes, eventsMaxAgeHours, eventsMaxBytes } = config;
  const { snapshotsMaxAgeHours, snapshotsMaxBytes } = config;
  const kept = (hours: number, bytes: number): Retention => ({
    maxAgeSeconds: Math.round(hours * 3600),
    maxBytes: bytes,
    replicas,
  });
  return {
    detections: kept(Math.min(rawHours, maxAgeHours), Math.ceil(maxBytes / 4)),
    timeline: kept(maxAgeHours, maxBytes),
    events: kept(eventsMaxAgeHours, eventsMaxBytes),
    snapshots: kept(snapshotsMaxAgeHours, snapshotsMaxBytes),
    deadLetters: kept(eventsMaxAgeHours, deadLetterBytes),
  };
}
