import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import {
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import {
  auditStream,
  deadLettersStream,
  detectionsStream,
  eventsStream,
  type Retention,
  readyStream,
  timelineStream,
} from "@sightline/contracts";
import { byteText } from "./disk-room.ts";
import { ServiceError } from "./errors.ts";
import { isJetStreamFailure, isPassingFailure } from "./jetstream-errors.ts";

/** A stream's limit is larger than the rest of what NATS may store. */
export class StreamTooLargeError extends ServiceError {
  readonly stream: string;

  constructor(stream: string, maxBytes: number, cause: unknown) {
    super(
      "stream_too_large",
      `the stream ${stream} may take ${byteText(maxBytes)}, but NATS has less storage left`,
      { cause },
    );
    this.stream = stream;
  }
}

/** NATS cannot change an existing stream to the configuration of this version. Nothing was changed. */
export class StreamConflictError extends ServiceError {
  readonly stream: string;

  constructor(stream: string, differences: readonly string[], why: string, advice: string, cause?: Error) {
    super(
      "stream_conflict",
      `NATS cannot change the stream ${stream} to what this version needs${differences.length > 0 ? ` (${differences.join(", ")})` : ""}: ${why}. ${advice}`,
      { cause },
    );
    this.stream = stream;
  }
}

/** Runs a creation or change of a stream. @throws StreamTooLargeError when the stream's limit does not fit */
export async function fitting<R>(stream: string, maxBytes: number, change: () => Promise<R>): Promise<R> {
  try {
    return await change();
  } catch (error) {
    if (!isJetStreamFailure(error, "insufficientStorage")) throw error;
    throw new StreamTooLargeError(stream, maxBytes, error);
  }
}

/**
 * Creates a stream, or changes an existing one to this configuration; its content stays. Several processes may run it at the same time,
 * also while others publish. The stream's description identifies this creation of it; see `streamMaking`.
 * @throws StreamTooLargeError, StreamConflictError
 */
export async function ensureStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  await fitting(config.name, config.max_bytes ?? 0, () => createOrUpdate(manager, config));
}

/** How long to retry with a stream that others create or delete at the same time. */
const [changeLimitMs, changeAgainMs] = [10_000, 100];

/**
 * Runs `change`, and repeats it while NATS says that the stream does not exist: others create or delete it meanwhile, or NATS says so about
 * an existing stream, as 2.9 does when a stream gets fewer copies. Each time `make` may create it; once it has, nothing more is done.
 * @throws StreamConflictError when NATS says so for too long
 */
async function untilThere(
  name: string,
  change: () => Promise<void>,
  make: () => Promise<boolean> = async () => false,
): Promise<void> {
  const deadline = performance.now() + changeLimitMs;
  for (;;)
    try {
      return await change();
    } catch (error) {
      if (!isJetStreamFailure(error, "streamNotFound")) throw error;
      if (performance.now() > deadline) throw deniedStream(name, error as JetStreamApiError);
      if (await make()) return;
      await delay(changeAgainMs);
    }
}

async function createOrUpdate(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  const update = async () => {
    const existing = await manager.streams.info(config.name);
    await bringTo(manager, existing, { ...config, description: existing.config.description || randomUUID() });
  };
  await untilThere(config.name, update, () => addStream(manager, { ...config, description: randomUUID() }));
}

/** Changes a stream that existed a moment ago to this configuration. @throws StreamConflictError */
export async function updateStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  const { name } = config;
  await untilThere(name, async () => bringTo(manager, await manager.streams.info(name), config));
}

/** NATS says both that a stream does not exist and that its name is taken. */
function deniedStream(name: string, cause: Error): StreamConflictError {
  return new StreamConflictError(
    name,
    [],
    `for ${changeLimitMs / 1_000} s it said that the stream does not exist, but that its name is in use (nats-server 2.9 does so when SIGHTLINE_NATS_REPLICAS is lowered)`,
    "Set SIGHTLINE_NATS_REPLICAS to what it was before, restart the NATS servers one after the other, and start the services again; for fewer copies make a backup (`sightline backup`) and restore it into a new NATS",
    cause,
  );
}

/** Changes an existing stream if it differs. @throws StreamConflictError */
async function bringTo(
  manager: JetStreamManager,
  { config: existing, cluster }: StreamInfo,
  wanted: Partial<StreamConfig> & { name: string },
): Promise<void> {
  const { name, num_replicas: copies = 1 } = wanted;
  const differing = (Object.keys(wanted) as (keyof StreamConfig)[]).filter(
    (key) => !isDeepStrictEqual(existing[key], wanted[key]),
  );
  if (differing.length === 0) return;
  const words = (value: unknown) => JSON.stringify(value) ?? "none";
  const differences = differing
    .filter((key) => key !== "description")
    .map((key) => `${key}: ${words(wanted[key])} instead of ${words(existing[key])}`);
  const noCluster = `Start ${copies} NATS servers as a cluster, or set SIGHTLINE_NATS_REPLICAS to 1`;
  // NATS 2.9 accepts such a number but keeps one copy.
  if (copies > 1 && cluster === undefined)
    throw new StreamConflictError(name, differences, "it is not a cluster", noCluster);
  try {
    await manager.streams.update(name, wanted);
  } catch (error) {
    const isRefusal = error instanceof JetStreamApiError && !isPassingFailure(error);
    const isOwn =
      isJetStreamFailure(error, "streamNotFound") || isJetStreamFailure(error, "insufficientStorage");
    if (!isRefusal || isOwn) throw error;
    const anew = `Make a backup (\`sightline backup\`), stop the services, and delete the stream with NATS's own tool (\`nats stream rm ${name}\`): it is then created again, and its content is lost`;
    const advice = isJetStreamFailure(error, "replicasNotSupported") ? noCluster : anew;
    throw new StreamConflictError(name, differences, error.message, advice, error);
  }
}

/** Returns whether this process created the stream. */
async function addStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<boolean> {
  try {
    await manager.streams.add(config as StreamConfig & { name: string });
    return true;
  } catch (error) {
    if (isJetStreamFailure(error, "streamNameInUse")) return false;
    throw error;
  }
}

/** Deletes a stream with its content and creates it again, empty, with the same configuration. */
export async function remakeStream(manager: JetStreamManager, name: string): Promise<void> {
  const { config } = await manager.streams.info(name);
  await manager.streams.delete(name);
  await addStream(manager, { ...config, description: randomUUID() });
}

/**
 * Tells a stream from a later one of the same name, whose sequences start again. The creation time is not enough: nats-server 2.9 changes
 * it when it restarts after an update of the configuration.
 */
export function streamMaking({ config, created }: StreamInfo): string {
  return config.description || created;
}

/** Creates the streams of tokens and of the workers' results. */
export async function ensureStreams(manager: JetStreamManager, detections: Retention): Promise<void> {
  await ensureStream(manager, readyStream(detections.replicas));
  await ensureStream(manager, detectionsStream(detections));
}

/** Creates the streams of the analysis's results. */
export async function ensureResultStreams(
  manager: JetStreamManager,
  kept: { timeline: Retention; events: Retention; deadLetters: Retention; audit: Retention },
): Promise<void> {
  await ensureStream(manager, timelineStream(kept.timeline));
  await ensureStream(manager, eventsStream(kept.events));
  await ensureStream(manager, deadLettersStream(kept.deadLetters));
  await ensureStream(manager, auditStream(kept.audit));
}
