import type { JetStreamManager } from "@nats-io/jetstream";
import { type Retention, snapshotStore, streams } from "@sightline/contracts";
import {
  ensureResultStreams,
  ensureStreams,
  SettingError,
  StreamConflictError,
  StreamTooLargeError,
  streamLimits,
} from "@sightline/service";
import { type ResultsConfig, settings } from "./config.ts";

/**
 * Workers' results are needed only until they have been analysed, so they must last longer than an outage of results, and no longer: 2
 * hours, which at 40 frames/s of 600 bytes are 170 MB.
 */
const rawHours = 2;

/** How much is kept of each stream that results creates. */
export function retentionOf(config: ResultsConfig) {
  const { replicas, maxAgeHours, eventsMaxAgeHours, snapshotsMaxAgeHours, auditMaxAgeDays } = config;
  const bytes = streamLimits(config);
  const kept = (hours: number, maxBytes: number): Retention => ({
    maxAgeSeconds: Math.round(hours * 3600),
    maxBytes,
    replicas,
  });
  return {
    detections: kept(Math.min(rawHours, maxAgeHours), bytes.detections),
    timeline: kept(maxAgeHours, bytes.timeline),
    events: kept(eventsMaxAgeHours, bytes.events),
    snapshots: kept(snapshotsMaxAgeHours, bytes.snapshots),
    deadLetters: kept(eventsMaxAgeHours, bytes.deadLetters),
    audit: kept(auditMaxAgeDays * 24, bytes.audit),
  };
}

/** Creates the streams of frames and results that are missing, and brings the others to their configuration. @throws as `ensureStream` */
export async function provideStreams(manager: JetStreamManager, config: ResultsConfig): Promise<void> {
  const retention = retentionOf(config);
  await ensureStreams(manager, retention.detections);
  await ensureResultStreams(manager, retention);
}

const limitSettings: Record<string, string> = {
  [streams.detections]: `${settings.maxBytes.env}, of which it gets a quarter,`,
  [streams.timeline]: settings.maxBytes.env,
  [streams.events]: settings.eventsMaxBytes.env,
  [streams.audit]: settings.auditMaxBytes.env,
  [`OBJ_${snapshotStore}`]: settings.snapshotsMaxBytes.env,
};

/** Runs what creates streams. @throws SettingError that says what to do about a stream that does not fit, or that NATS cannot change */
export async function withLimitsThatFit<R>(provide: () => Promise<R>): Promise<R> {
  try {
    return await provide();
  } catch (error) {
    if (error instanceof StreamConflictError) throw new SettingError(error.message, { cause: error });
    if (!(error instanceof StreamTooLargeError)) throw error;
    const setting = limitSettings[error.stream];
    const lower = setting ? `Lower ${setting} or give` : "Give";
    throw new SettingError(
      `${error.message}. ${lower} NATS a larger disk (or max_file_store, if its configuration sets it)`,
      { cause: error },
    );
  }
}
