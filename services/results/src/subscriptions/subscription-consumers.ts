import { AckPolicy, type ConsumerConfig, DeliverPolicy } from "@nats-io/jetstream";
import { type Subscription, SubscriptionKind, streams, subjects } from "@sightline/contracts";
import type { StreamStart } from "../feeds/start-position.ts";

const second = 1_000_000_000;
/** Beyond it JetStream delivers nothing more until something is acknowledged, over all readers. */
const maxUnacknowledged = 10_000;

/** Where a consumer begins. */
export type ConsumerStart = StreamStart | { from: "after"; sequence: number };

/** The stream that a subscription reads. */
export function streamOf(kind: SubscriptionKind): string {
  return kind === SubscriptionKind.DETECTIONS ? streams.timeline : streams.events;
}

/** Names of a subscription's consumers, each in its stream: of the messages, and of dead letters to deliver again. */
export function consumerNames(id: string) {
  return { main: `sub-${id}`, redeliveries: `redo-${id}` };
}

/** Whether a consumer of a stream is one of the subscription's. */
export function isConsumerOf(
  id: string,
  { stream, consumer }: { stream: string; consumer: string },
): boolean {
  const { main, redeliveries } = consumerNames(id);
  return stream === streams.deadLetters ? consumer === redeliveries : consumer === main;
}

/** Description of a consumer that was made anew, until a reader has been told that messages are lost. */
export const untoldLoss = "messages are lost";

/** The consumer that keeps a subscription's place in its stream. */
export function mainConsumer(
  id: string,
  subscription: Subscription,
  start: ConsumerStart,
  onlyCamera: string | undefined,
): Partial<ConsumerConfig> {
  // Events are few, and of those that it reads all a consumer knows exactly what expired unread.
  const filtered = subscription.kind === SubscriptionKind.DETECTIONS && onlyCamera !== undefined;
  return {
    ...common(subscription),
    durable_name: consumerNames(id).main,
    ...startPolicy(start),
    ...(filtered ? { filter_subject: subjects.timeline(onlyCamera) } : {}),
  };
}

/** The consumer of a subscription's dead letters that are to be delivered again. */
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
