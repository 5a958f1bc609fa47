import { setTimeout as delay } from "node:timers/promises";
import { JetStreamApiError } from "@nats-io/jetstream";
import { RequestError, TimeoutError } from "@nats-io/transport-node";
import type { Logger } from "./log.ts";

/** JetStream's error codes for the failures that the system handles (nats-server's errors.json). */
const codes = {
  /** The cluster has fewer servers than the stream needs copies. */
  noSuitablePeers: 10005,
  /** A cluster has no leader at present. */
  clusterUnavailable: 10008,
  notLeader: 10009,
  consumerNotFound: 10014,
  noMessageFound: 10037,
  /** A stream's limit is larger than the rest of what NATS may store. */
  insufficientStorage: 10047,
  streamNameInUse: 10058,
  streamNotFound: 10059,
  /** Another client wrote first. */
  wrongLastSequence: 10071,
  /** Several copies were requested from a server that is not in a cluster. */
  replicasNotSupported: 10074,
  maximumBytesExceeded: 10077,
} as const;

/** Whether a caught value is this failure of JetStream's API. */
export function isJetStreamFailure(error: unknown, failure: keyof typeof codes): boolean {
  return error instanceof JetStreamApiError && error.code === codes[failure];
}

/** Whether the failure may pass in a moment: JetStream gave no answer, or a cluster has no leader. */
export function isPassingFailure(error: unknown): boolean {
  if (error instanceof TimeoutError) return true;
  if (error instanceof RequestError) return error.isNoResponders();
  return (["noSuitablePeers", "clusterUnavailable", "notLeader"] as const).some((failure) =>
    isJetStreamFailure(error, failure),
  );
}

/**
 * Runs a JetStream action of a service's start, and repeats it while a server or a cluster is not ready for it.
 * @throws what `action` throws when waiting does not help, and when `signal` aborts
 */
export async function patiently<R>(
  action: () => Promise<R>,
  log: Logger,
  signal: AbortSignal,
  helps: (error: unknown) => boolean = isPassingFailure,
): Promise<R> {
  for (let attempt = 0; ; attempt++)
    try {
      signal.throwIfAborted();
      return await action();
    } catch (error) {
      if (signal.aborted || !helps(error)) throw error;
      if (attempt % 20 === 0) log.warn({ err: error }, "JetStream is not ready yet; trying again");
      await delay(250);
    }
}
