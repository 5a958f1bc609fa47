import { streams } from "@sightline/contracts";
import { DeadLetter } from "@sightline/contracts/api";
import { nanosOf } from "@sightline/service";
import type { ConsumeContext } from "./consume-session.ts";
import { letterKey } from "./dead-letters.ts";
import { messageReader, type SubscribedMessage } from "./subscribed-message.ts";
import type { Delivery } from "./subscription-consumers.ts";

/** Handles messages that a reader rejects. */
export class RejectedMessages {
  readonly #context: ConsumeContext;

  constructor(context: ConsumeContext) {
    this.#context = context;
  }

  /** Lets the message be delivered again, to any reader, after a delay. */
  again({ ackSubject }: Delivery, delaySeconds: number): void {
    const delay = Math.round(delaySeconds * 1e9);
    this.#context.nats.connection.publish(
      ackSubject,
      delay > 0 ? `-NAK ${JSON.stringify({ delay })}` : "-NAK",
    );
  }

  /** Makes the message a dead letter; one that has expired meanwhile is only terminated. */
  async toDeadLetter(id: string, delivery: Delivery, reason: string): Promise<void> {
    const { nats, deadLetters } = this.#context;
    const message = await this.#message(id, delivery);
    const { deliveries } = delivery;
    if (message) await deadLetters.add(id, { message, reason, deliveries, key: letterKey(delivery) });
    nats.connection.publish(delivery.ackSubject, "+TERM");
  }

  async #message(
    id: string,
    { stream, streamSequence: seq, storedNanos }: Delivery,
  ): Promise<SubscribedMessage | undefined> {
    const { nats, registry } = this.#context;
    const stored = await nats.manager.streams.getMessage(stream, { seq }).catch(() => null);
    // After a loss in NATS, another message may have this sequence.
    if (!stored || nanosOf(stored.timestamp) !== storedNanos) return undefined;
    if (stream === streams.deadLetters) return DeadLetter.decode(stored.data).message;
    const message = messageReader(registry.get(id))(stored.subject, stored.data);
    // A gap has no acknowledgement, so no reader can have rejected it.
    return message?.$case === "gap" ? undefined : message;
  }
}
