import { JetStreamApiError } from "@nats-io/jetstream";

/** JetStream's codes for the failures that the system deals with (nats-server's errors.json). */
const codes = {
  consumerNotFound: 10014,
  noMessageFound: 10037,
  /** A stream's limit is more than is left of what NATS may store. */
  insufficientStorage: 10047,
  streamNameInUse: 10058,
  streamNotFound: 10059,
  /** Somebody else wrote first. */
  wrongLastSequence: 10071,
  maximumBytesExceeded: 10077,
} as const;

/** Whether a caught value is this failure of JetStream's API. */
export function isJetStreamFailure(error: unknown, failure: keyof typeof codes): boolean {
  return error instanceof JetStreamApiError && error.code === codes[failure];
}
