import type { StoredMsg } from "@nats-io/jetstream";
import { streams, subjects, toTimestamp } from "@sightline/contracts";
import { DeadLetter } from "@sightline/contracts/api";
import { type AckSubject, isJetStreamFailure, type Nats } from "@sightline/service";
import { ApiError } from "../errors.ts";
import { StoredMessages } from "../feeds/stored-messages.ts";
import type { SubscribedMessage } from "./subscribed-message.ts";

/** A message that becomes a dead letter. */
export interface Undelivered {
  message: SubscribedMessage;
  reason: string;
  deliveries: number;
  /** Identifies this message in its subscription, so that it becomes a dead letter only once. */
  key: string;
}

/** Key of a message's dead letter; after a loss in NATS, another message may have the same sequence. */
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

  /** Stores a dead letter; repeating it does not add a second one. */
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

  /** Removes a letter; with `redeliver`, the subscription's readers first get it again. @throws ApiError dead_letter_not_found */
  async remove(subscription: string, sequence: number, redeliver: boolean): Promise<void> {
    const stored = await this.#get(subscription, sequence);
    if (redeliver)
      await this.#nats.jetstream.publish(subjects.redelivery(subscription), stored.data, {
        msgID: `redelivery:${subscription}:${sequence}`,
      });
    await this.#nats.manager.streams.deleteMessage(streams.deadLetters, sequence);
  }

  /** Number of dead letters of a subscription. */
  async count(subscription: string): Promise<number> {
    const subject = subjects.deadLetter(subscription);
    const { state } = await this.#nats.manager.streams.info(streams.deadLetters, {
      subjects_filter: subject,
    });
    return state.subjects?.[subject] ?? 0;
  }

  /** Removes all dead letters of a subscription. */
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
