import type { Msg } from "@nats-io/transport-node";
import { Gap, GapReason, streams } from "@sightline/contracts";
import { type ConsumeResponse, DeadLetter, type Subscription } from "@sightline/contracts/api";
import type { AckSubject, Logger, Nats, StreamPlace } from "@sightline/service";
import { ConsumerReader, type Verdict } from "./consumer-reader.ts";
import { type DeadLetters, letterKey } from "./dead-letters.ts";
import type { Expired, ExpiredMessages } from "./expired-messages.ts";
import { type MessageReader, messageReader, type SubscribedMessage } from "./subscribed-message.ts";
import { consumerNames, encodeAckId, streamOf, untoldLoss } from "./subscription-consumers.ts";
import { createdAt, isSameMaking, type LastGiven } from "./subscription-place.ts";
import type { SubscriptionRegistry } from "./subscription-registry.ts";

const gapCheckMs = 10_000;

/** Receives a reader's messages. `write` always takes the message; false means: wait for `drained`. */
export interface ConsumeSink {
  write(response: ConsumeResponse): boolean;
}

/** What every session needs. */
export interface ConsumeContext {
  nats: Nats;
  registry: SubscriptionRegistry;
  deadLetters: DeadLetters;
  expired: ExpiredMessages;
  log: Logger;
}

/** One reader of a named subscription, while its call lasts. */
export class ConsumeSession {
  readonly #id: string;
  readonly #subscription: Subscription;
  readonly #context: ConsumeContext;
  readonly #sink: ConsumeSink;
  readonly #read: MessageReader;
  readonly #maxUnacknowledged: number;
  #readers: ConsumerReader[] = [];
  readonly #gapTimer: NodeJS.Timeout;
  /** When the consumer of the messages was created, in milliseconds. */
  #created: number | undefined;
  #telling = false;
  #stopped = false;

  constructor(
    id: string,
    subscription: Subscription,
    maxUnacknowledged: number,
    context: ConsumeContext,
    sink: ConsumeSink,
  ) {
    this.#id = id;
    this.#subscription = subscription;
    this.#context = context;
    this.#maxUnacknowledged = maxUnacknowledged;
    this.#sink = sink;
    this.#read = messageReader(subscription);
    this.#gapTimer = setInterval(() => void this.#tellGap(), gapCheckMs);
    void this.#begin();
  }

  /** The connection can take more. */
  drained(): void {
    for (const reader of this.#readers) reader.setBlocked(false);
  }

  /** Returns the messages that this reader has not acknowledged. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#gapTimer);
    for (const reader of this.#readers) void reader.stop();
  }

  /** Expired messages are reported before the first message is taken, because that moves the position past the missing ones. */
  async #begin(): Promise<void> {
    await this.#tellGap();
    if (this.#stopped) return;
    const names = consumerNames(this.#id);
    const common = {
      nats: this.#context.nats,
      ackWaitMs: this.#subscription.ackDeadlineSeconds * 1000,
      log: this.#context.log,
    };
    this.#readers = [
      new ConsumerReader({
        ...common,
        stream: streamOf(this.#subscription.kind),
        consumer: names.main,
        provision: (given) => this.#provision(given),
        maxUnacknowledged: this.#maxUnacknowledged,
        deliver: (message, ack) => this.#deliver(message, ack),
      }),
      // Dead letters that are delivered again come one at a time, so that they delay nothing.
      new ConsumerReader({
        ...common,
        stream: streams.deadLetters,
        consumer: names.redeliveries,
        provision: async () => {
          // This does not change which creation of the main consumer its reader knows: the messages given to that reader belong to it.
          await this.#ensure(undefined);
          return false;
        },
        maxUnacknowledged: 1,
        deliver: (message, ack) => this.#redeliver(message, ack),
      }),
    ];
  }

  async #deliver(message: Msg, ack: AckSubject): Promise<Verdict> {
    let wanted: ReturnType<MessageReader>;
    try {
      wanted = this.#read(message.subject, message.data);
    } catch (error) {
      const { log } = this.#context;
      log.warn({ subject: message.subject, err: error }, "a message cannot be read");
      return "terminate";
    }
    if (wanted && wanted.$case !== "gap") return this.#give(wanted, message, ack);
    if (wanted) this.#writeGap(wanted.value);
    return "acknowledge";
  }

  async #redeliver(message: Msg, ack: AckSubject): Promise<Verdict> {
    const letter = DeadLetter.decode(message.data);
    if (!letter.message) return "terminate";
    return this.#give(letter.message, message, ack);
  }

  async #give(wanted: SubscribedMessage, message: Msg, ack: AckSubject): Promise<Verdict> {
    const { maxDeliveryAttempts } = this.#subscription;
    const { deliveries } = ack;
    if (deliveries > maxDeliveryAttempts) {
      const reason = `delivered ${maxDeliveryAttempts} times and never acknowledged`;
      const undelivered = { message: wanted, reason, deliveries: maxDeliveryAttempts, key: letterKey(ack) };
      await this.#context.deadLetters.add(this.#id, undelivered);
      return "terminate";
    }
    if (this.#stopped) return "return";
    this.#write({ message: wanted, ackId: encodeAckId(message.reply ?? ""), deliveryAttempt: deliveries });
    return "given";
  }

  /** Returns whether the consumer of the messages is another one than before. */
  async #provision(given: StreamPlace | undefined): Promise<boolean> {
    const before = this.#created;
    const last = given && before !== undefined ? { ...given, created: before } : undefined;
    const { created, lost } = await this.#ensure(last);
    this.#created = created;
    return lost || (before !== undefined && !isSameMaking(before, created));
  }

  async #ensure(last: LastGiven | undefined): Promise<{ created: number; lost: boolean }> {
    const consumer = await this.#context.registry.provision(this.#id, this.#subscription, last);
    const lost = consumer.config.description === untoldLoss;
    if (lost) await this.#tellGap();
    return { created: createdAt(consumer), lost };
  }

  async #tellGap(): Promise<void> {
    if (this.#telling) return;
    this.#telling = true;
    try {
      await this.#tellLoss();
      const gone = await this.#context.expired.unread(this.#id, this.#subscription);
      if (gone && !this.#stopped) this.#writeGap(gapOf(gone));
    } catch (error) {
      this.#context.log.debug({ err: error }, "expiry not looked up; trying again");
    } finally {
      this.#telling = false;
    }
  }

  async #tellLoss(): Promise<void> {
    const { registry } = this.#context;
    const place = await registry.place(this.#id, this.#subscription);
    if (place) this.#created ??= createdAt(place);
    if (place?.config.description !== untoldLoss || this.#stopped) return;
    this.#writeGap(Gap.fromPartial({ reason: GapReason.STREAM_RESET }));
    await registry.lossTold(this.#id, this.#subscription);
  }

  #writeGap(value: Gap): void {
    this.#write({ message: { $case: "gap", value }, ackId: "", deliveryAttempt: 0 });
  }

  #write(response: ConsumeResponse): void {
    const blocked = !this.#sink.write(response);
    if (blocked) for (const reader of this.#readers) reader.setBlocked(true);
  }
}

function gapOf({ messages, firstAvailableTime }: Expired): Gap {
  return { reason: GapReason.EXPIRED, messages, firstAvailableTime, camera: "" };
}
