import type { StoredMsg } from "@nats-io/jetstream";
import { DeadLetter, streams, subjects, toTimestamp } from "@sightline/contracts";
import { type AckSubject, isJetStreamFailure, type Nats } from "@sightline/service";
import { StoredMessages } from "../feeds/stored-messages.ts";
import { ApiError } from "../grpc/errors.ts";
import type { SubscribedMessage } from "./subscribed-message.ts";

/** A message that is to become a dead letter. */
export interface Undelivered {
  message: SubscribedMessage;
  reason: string;
  deliveries: number;
  /** Tells this message from all others of its subscription, so that it becomes a dead letter once. */
  key: string;
}

/** Key of the dead letter that a message becomes; another message may bear its sequence once NATS has lost it. */
export function letterKey({
  stream,
  streamSequence,
  storedNanos,
}: Pick<AckSubject, "stream" | "streamSequence" | "storedNanos">): string {
  return `${stream === streams.deadLetters ? "r" : "m"}${streamSequence}:${storedNanos}`;
}

/** Messages that subscriptions could not deliver, in stream DEAD_LETTERS. Methods throw when NATS is away. */
export class DeadLetters {
  readonly #nats: Nats;
  readonly #stored: StoredMessages;

  constructor(nats: Nats) {
    this.#nats = nats;
    this.#stored = new StoredMessages(nats, streams.deadLetters);
  }

  /** Stores a dead letter; a second time is no second letter. */
  async add(subscription: string, { message, reason, deliveries, key }: Undelivered): Promise<void> {
    const letter = DeadLetter.fromPartial({
      message,
      reason,
      deliveryAttempts: deliveries,
      createTime: toTimestamp(Date.now()),
    });
    await this.#nats.jetstream.publish(
      subjects.deadLetter(subscription),
      DeadLetter.encode(letter).finish(),
      { msgID: `dead:${subscription}:${key}` },
    );
  }

  /** At most `limit` letters after the sequence, oldest first. */
  async list(
    subscription: string,
    after: number,
    limit: number,
  ): Promise<{ letter: DeadLetter; sequence: number }[]> {
    const range = this.#stored.after(after, subjects.deadLetter(subscription));
    try {
      const messages = await this.#stored.inTurn(() => range.read(limit));
      return messages.map(({ seq, data }) => ({ letter: named(subscription, seq, data), sequence: seq }));
    } finally {
      range.close();
    }
  }

  /** Removes a letter, having put it in the way of the subscription's readers again when asked to. @throws ApiError dead_letter_not_found */
  async remove(subscription: string, sequence: number, redeliver: boolean): Promise<void> {
    const stored = await this.#get(subscription, sequence);
    if (redeliver)
      await this.#nats.jetstream.publish(subjects.redelivery(subscription), stored.data, {
        msgID: `redelivery:${subscription}:${sequence}`,
      });
    await this.#nats.manager.streams.deleteMessage(streams.deadLetters, sequence);
  }

  /** How many a subscription has. */
  async count(subscription: string): Promise<number> {
    const subject = subjects.deadLetter(subscription);
    const { state } = await this.#nats.manager.streams.info(streams.deadLetters, {
      subjects_filter: subject,
    });
    return state.subjects?.[subject] ?? 0;
  }

  /** Removes all that there is of a subscription. */
  async purge(subscription: string): Promise<void> {
    for (const filter of [subjects.deadLetter(subscription), subjects.redelivery(subscription)])
      await this.#nats.manager.streams.purge(streams.deadLetters, { filter });
  }

  async #get(subscription: string, sequence: number): Promise<StoredMsg> {
    const missing = () =>
      new ApiError(
        "dead_letter_not_found",
        `subscription '${subscription}' has no dead letter '${sequence}'; it was removed, or is not kept any more`,
      );
    try {
      const message = await this.#nats.manager.streams.getMessage(streams.deadLetters, { seq: sequence });
      if (message?.subject !== subjects.deadLetter(subscription)) throw missing();
      return message;
    } catch (error) {
      if (isJetStreamFailure(error, "noMessageFound")) throw missing();
      throw error;
    }
  }
}

function named(subscription: string, sequence: number, data: Uint8Array): DeadLetter {
  return {
    ...DeadLetter.decode(data),
    name: `subscriptions/${subscription}/deadLetters/${sequence}`,
  };
}
