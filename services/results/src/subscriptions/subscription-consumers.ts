import { AckPolicy, type ConsumerConfig, DeliverPolicy } from "@nats-io/jetstream";
import { streams, subjects } from "@sightline/contracts";
import { type Subscription, SubscriptionKind } from "@sightline/contracts/api";
import { parseAckSubject } from "@sightline/service";
import { ApiError } from "../errors.ts";
import type { StreamStart } from "../feeds/start-position.ts";

const second = 1_000_000_000;
/** Beyond this number, over all readers, JetStream delivers nothing more until something is acknowledged. */
const maxUnacknowledged = 10_000;

/** Where a consumer begins. */
export type ConsumerStart = StreamStart | { from: "after"; sequence: number };

/** The stream that a subscription reads. */
export function streamOf(kind: SubscriptionKind): string {
  return kind === SubscriptionKind.DETECTIONS ? streams.timeline : streams.events;
}

/** Names of a subscription's consumers, each in its stream: for messages, and for dead letters to deliver again. */
export function consumerNames(id: string) {
  return { main: `sub-${id}`, redeliveries: `redo-${id}` };
}

/** Whether a consumer of a stream belongs to the subscription. */
export function isConsumerOf(
  id: string,
  { stream, consumer }: { stream: string; consumer: string },
): boolean {
  const { main, redeliveries } = consumerNames(id);
  return stream === streams.deadLetters ? consumer === redeliveries : consumer === main;
}

/** Description of a consumer that was created again, until a reader has been told about lost messages. */
export const untoldLoss = "messages are lost";

/** The consumer that stores a subscription's position in its stream. */
export function mainConsumer(
  id: string,
  subscription: Subscription,
  start: ConsumerStart,
  onlyCamera: string | undefined,
): Partial<ConsumerConfig> {
  // Events are few, and a consumer that reads all of them knows exactly which expired unread.
  const filtered = subscription.kind === SubscriptionKind.DETECTIONS && onlyCamera !== undefined;
  return {
    ...common(subscription),
    durable_name: consumerNames(id).main,
    ...startPolicy(start),
    ...(filtered ? { filter_subject: subjects.timeline(onlyCamera) } : {}),
  };
}

/** The consumer for a subscription's dead letters that are delivered again. */
export function redeliveryConsumer(id: string, subscription: Subscription) {
  return {
    ...common(subscription),
    durable_name: consumerNames(id).redeliveries,
    deliver_policy: DeliverPolicy.All,
    filter_subject: subjects.redelivery(id),
  };
}

function common({ ackDeadlineSeconds }: Subscription): Partial<ConsumerConfig> {
  return {
    ack_policy: AckPolicy.Explicit,
    ack_wait: ackDeadlineSeconds * second,
    max_deliver: -1,
    max_ack_pending: maxUnacknowledged,
    max_waiting: 512,
  };
}

function startPolicy(start: ConsumerStart): Partial<ConsumerConfig> {
  switch (start.from) {
    case "newest":
      return { deliver_policy: DeliverPolicy.New };
    case "beginning":
      return { deliver_policy: DeliverPolicy.All };
    case "time":
      return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(start.time).toISOString() };
    case "cursor":
      return startPolicy({ from: "after", sequence: start.place.sequence });
    case "after":
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.sequence + 1 };
  }
}

/** A delivered message, as described by its acknowledgement subject. */
export interface Delivery {
  /** The subject for the acknowledgement. */
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

/** Reads an ack_id of the subscription. @throws ApiError invalid_argument when it is not valid, or belongs to another subscription */
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
