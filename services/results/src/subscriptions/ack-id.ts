import { parseAckSubject } from "@sightline/service";
import { ApiError } from "../grpc/errors.ts";
import { isConsumerOf } from "./subscription-consumers.ts";

/** A delivered message, as its acknowledgement knows it. */
export interface Delivery {
  /** Where the acknowledgement goes. */
  ackSubject: string;
  stream: string;
  streamSequence: number;
  /** When the message was stored, in nanoseconds since 1970. */
  storedNanos: bigint;
  deliveries: number;
}

const maxLength = 1024;

/** The opaque form of an acknowledgement subject. */
export function encodeAckId(ackSubject: string): string {
  return Buffer.from(ackSubject).toString("base64url");
}

/** Reads an ack_id of the subscription. @throws ApiError invalid_argument for what is none, or another subscription's */
export function decodeAckId(subscription: string, ackId: string): Delivery {
  const ackSubject = ackId.length <= maxLength ? Buffer.from(ackId, "base64url").toString("latin1") : "";
  const parsed = parseAckSubject(ackSubject);
  if (!parsed || /[^\x21-\x7e]|[*>]/.test(ackSubject) || !isConsumerOf(subscription, parsed))
    throw new ApiError(
      "invalid_argument",
      `an ack_id is not one of subscription '${subscription}'; pass them on exactly as they were received`,
    );
  const { stream, streamSequence, storedNanos, deliveries } = parsed;
  return { ackSubject, stream, streamSequence, storedNanos, deliveries };
}
