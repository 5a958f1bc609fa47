import type { Msg } from "@nats-io/transport-node";
import {
  type ConsumeResponse,
  DeadLetter,
  type Gap,
  GapReason,
  type Subscription,
  streams,
} from "@sightline/contracts";
import type { Logger, Nats } from "@sightline/service";
import { encodeAckId } from "./ack-id.ts";
import { ConsumerReader, type Verdict } from "./consumer-reader.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Expired, ExpiredMessages } from "./expired-messages.ts";
import { type MessageReader, messageReader, type SubscribedMessage } from "./subscribed-message.ts";
import { consumerNames, streamOf } from "./subscription-consumers.ts";
import type { SubscriptionRegistry } from "./subscription-registry.ts";

const gapCheckMs = 10_000;

/** Where a reader's messages go. `write` takes the message in any case; false asks to wait for `drained`. */
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

  /** Gives back what this reader has not answered for. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#gapTimer);
    for (const reader of this.#readers) void reader.stop();
  }

  /** What expired is told of before the first message is taken: that moves the place on, past what is missing. */
  async #begin(): Promise<void> {
    await this.#tellGap();
    if (this.#stopped) return;
    const names = consumerNames(this.#id);
    const common = {
      nats: this.#context.nats,
      ackWaitMs: this.#subscription.ackDeadlineSeconds * 1000,
      provision: () => this.#context.registry.provision(this.#id, this.#subscription),
      log: this.#context.log,
    };
    this.#readers = [
      new ConsumerReader({
        ...common,
        stream: streamOf(this.#subscription.kind),
        consumer: names.main,
        maxUnacknowledged: this.#maxUnacknowledged,
        deliver: (message, deliveries, sequence) => this.#deliver(message, deliveries, sequence),
      }),
      // Dead letters that are tried again come one at a time, so that they hold nothing up.
      new ConsumerReader({
        ...common,
        stream: streams.deadLetters,
        consumer: names.redeliveries,
        maxUnacknowledged: 1,
        deliver: (message, deliveries, sequence) => this.#redeliver(message, deliveries, sequence),
      }),
    ];
  }

  async #deliver(message: Msg, deliveries: number, sequence: number): Promise<Verdict> {
    let wanted: ReturnType<MessageReader>;
    try {
      wanted = this.#read(message.subject, message.data);
    } catch (error) {
      const { log } = this.#context;
      log.warn({ subject: message.subject, error: (error as Error).message }, "a message cannot be read");
      return "terminate";
    }
    if (wanted && wanted.$case !== "gap") return this.#give(wanted, message, deliveries, `m${sequence}`);
    if (wanted) this.#writeGap(wanted.value);
    return "acknowledge";
  }

  async #redeliver(message: Msg, deliveries: number, sequence: number): Promise<Verdict> {
    const letter = DeadLetter.decode(message.data);
    if (!letter.message) return "terminate";
    return this.#give(letter.message, message, deliveries, `r${sequence}`);
  }

  async #give(wanted: SubscribedMessage, message: Msg, deliveries: number, key: string): Promise<Verdict> {
    const { maxDeliveryAttempts } = this.#subscription;
    if (deliveries > maxDeliveryAttempts) {
      const reason = `delivered ${maxDeliveryAttempts} times and never acknowledged`;
      const undelivered = { message: wanted, reason, deliveries: maxDeliveryAttempts, key };
      await this.#context.deadLetters.add(this.#id, undelivered);
      return "terminate";
    }
    if (this.#stopped) return "return";
    this.#write({ message: wanted, ackId: encodeAckId(message.reply ?? ""), deliveryAttempt: deliveries });
    return "given";
  }

  async #tellGap(): Promise<void> {
    try {
      const gone = await this.#context.expired.unread(this.#id, this.#subscription);
      if (gone && !this.#stopped) this.#writeGap(gapOf(gone));
    } catch (error) {
      this.#context.log.debug({ error: (error as Error).message }, "expiry not looked up; trying again");
    }
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
