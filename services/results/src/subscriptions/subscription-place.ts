import type { ConsumerInfo } from "@nats-io/jetstream";
import { fromTimestamp, streams } from "@sightline/contracts";
import type { Subscription } from "@sightline/contracts/api";
import {
  deleteConsumer,
  ensureConsumer,
  findConsumer,
  findLoss,
  type Logger,
  type Nats,
  nanosOf,
  type StreamPlace,
} from "@sightline/service";
import type { StreamIdentity } from "../feeds/cursor.ts";
import { readEventFilter } from "../feeds/event-format.ts";
import { readStart, type StreamStart } from "../feeds/start-position.ts";
import { StoredMessages } from "../feeds/stored-messages.ts";
import type { StreamMakings } from "../feeds/stream-makings.ts";
import {
  type ConsumerStart,
  consumerNames,
  mainConsumer,
  redeliveryConsumer,
  streamOf,
  untoldLoss,
} from "./subscription-consumers.ts";

/** Two creations of a consumer are further apart than this; a restarted server reports a creation time with a small difference. */
const createdToleranceMs = 1_000;

/** The last message given to a reader, and the creation of the consumer that delivered it. */
export interface LastGiven extends StreamPlace {
  /** In milliseconds. */
  created: number;
}

/** When a consumer was created, in milliseconds. */
export function createdAt({ created }: ConsumerInfo): number {
  return Date.parse(created);
}

/** Whether two creation times belong to the same creation of a consumer. */
export function isSameMaking(a: number, b: number): boolean {
  return Math.abs(a - b) < createdToleranceMs;
}

/** Keeps subscriptions' consumers at positions where they can deliver what their streams hold. Methods throw when NATS is away. */
export class SubscriptionPlace {
  readonly #nats: Nats;
  readonly #makings: StreamMakings;
  readonly #log: Logger;
  /** The last check of each subscription. Two at the same time would each create the consumer again, and the loss would be reported twice. */
  readonly #looks = new Map<string, Promise<unknown>>();
  /** The last delivered message of each subscription, as far as this process has seen it. */
  readonly #delivered = new Map<string, LastGiven>();

  constructor(nats: Nats, makings: StreamMakings, log: Logger) {
    this.#nats = nats;
    this.#makings = makings;
    this.#log = log;
  }

  /**
   * Makes sure that the consumers exist and can deliver. If NATS has lost a consumer's messages, the consumer is created again and
   * continues with what is left and what arrived since. Returns the consumer of the messages.
   * @throws ApiError cursor_corrupt, cursor_foreign for a new subscription
   */
  ensure(id: string, subscription: Subscription, given?: LastGiven): Promise<ConsumerInfo> {
    const before = this.#looks.get(id) ?? Promise.resolve();
    const look = before.catch(() => undefined).then(() => this.#ensure(id, subscription, given));
    this.#looks.set(id, look);
    const forget = () => {
      if (this.#looks.get(id) === look) this.#looks.delete(id);
    };
    look.then(forget, forget);
    return look;
  }

  async #ensure(id: string, subscription: Subscription, given?: LastGiven): Promise<ConsumerInfo> {
    const { manager } = this.#nats;
    await ensureConsumer(manager, streams.deadLetters, redeliveryConsumer(id, subscription));
    const known = await findConsumer(manager, streamOf(subscription.kind), consumerNames(id).main);
    if (!known) {
      const { start, loss } = await this.#start(subscription);
      return this.#add(id, subscription, start, loss || subscription.createTime !== undefined);
    }
    const left = await this.#left(known, given ?? this.#delivered.get(id));
    return left ? this.#makeAnew(id, subscription, known, left) : known;
  }

  /**
   * Remembers which message a consumer has delivered last. So its loss is noticed when NATS is back, although nobody reads and others have
   * already stored messages under its sequence.
   */
  async note(id: string, consumer: ConsumerInfo): Promise<void> {
    const { stream_name: stream, delivered } = consumer;
    const { manager } = this.#nats;
    const sequence = delivered.stream_seq;
    const created = createdAt(consumer);
    const known = this.#delivered.get(id);
    const before = known && isSameMaking(known.created, created) ? known : undefined;
    // A newer server sets a consumer back with its stream: what it had delivered before counts.
    if (sequence === 0 || (before && before.sequence >= sequence)) return;
    // What is remembered shows a loss until the consumer is created again for it.
    if (before && (await findLoss(manager, stream, (await manager.streams.info(stream)).state, before)))
      return;
    const message = await manager.streams.getMessage(stream, { seq: sequence });
    if (message) this.#delivered.set(id, { sequence, time: nanosOf(message.timestamp), created });
  }

  /** The subscription is deleted. */
  forget(id: string): void {
    this.#delivered.delete(id);
  }

  /** A reader has been told about lost messages. */
  async lossTold(id: string, subscription: Subscription): Promise<void> {
    const { main } = consumerNames(id);
    await this.#nats.manager.consumers.update(streamOf(subscription.kind), main, { description: "" });
  }

  /** The end of what is left of the messages up to the consumer's position; undefined when all are left. */
  async #left(known: ConsumerInfo, given: LastGiven | undefined): Promise<StreamPlace | undefined> {
    const { manager } = this.#nats;
    const { stream_name: stream, delivered } = known;
    if (delivered.stream_seq === 0) return undefined;
    const { state } = await manager.streams.info(stream);
    if (given && isSameMaking(given.created, createdAt(known))) {
      const left = await findLoss(manager, stream, state, given);
      if (left) return left;
    }
    // For messages that were not given to a reader here, what is left ends at the stream's end.
    return delivered.stream_seq > state.last_seq
      ? { sequence: state.last_seq, time: nanosOf(state.last_ts) }
      : undefined;
  }

  async #makeAnew(
    id: string,
    subscription: Subscription,
    known: ConsumerInfo,
    left: StreamPlace,
  ): Promise<ConsumerInfo> {
    const { stream_name: stream, name, ack_floor, num_ack_pending } = known;
    // Another results process may have seen the same loss.
    const now = await findConsumer(this.#nats.manager, stream, name);
    if (now && !isSameMaking(createdAt(now), createdAt(known))) return now;
    // Unacknowledged messages are delivered again, and with them those that were acknowledged out of order.
    const after = num_ack_pending > 0 ? Math.min(ack_floor.stream_seq, left.sequence) : left.sequence;
    this.#log.warn(
      { subscription: id, stream, goesOnAfter: after },
      "NATS has lost the newest messages of a stream; a named subscription goes on with what is left and what comes",
    );
    this.#nats.setBacks.note(stream);
    await deleteConsumer(this.#nats.manager, stream, name);
    return this.#add(id, subscription, { from: "after", sequence: after }, true);
  }

  /** Where a subscription begins whose consumer is missing, and whether earlier messages are lost. */
  async #start(subscription: Subscription): Promise<{ start: StreamStart; loss: boolean }> {
    const stored = new StoredMessages(this.#nats, streamOf(subscription.kind));
    const { identity, first, firstTime } = await stored.state();
    const { createTime } = subscription;
    // Its position was in a stream that has gone with all its consumers: everything in this stream came later.
    if (createTime && first <= 1 && (firstTime ?? Infinity) > fromTimestamp(createTime))
      return { start: { from: "beginning" }, loss: true };
    const kind = stored.stream === streams.timeline ? "detections" : "events";
    const isOurs = (its: StreamIdentity) =>
      its.equals(identity) || this.#makings.knows(stored.stream, its) || createTime !== undefined;
    const start = readStart(kind, isOurs, subscription.start) ?? { from: "newest" };
    if (start.from !== "cursor") return { start, loss: false };
    // Everything in a stream that was created again comes after the cursor's position.
    if (!start.identity.equals(identity)) return { start: { from: "beginning" }, loss: true };
    const left = await stored.loss(start.place);
    return left ? { start: { ...start, place: left }, loss: true } : { start, loss: false };
  }

  #add(id: string, subscription: Subscription, start: ConsumerStart, loss: boolean): Promise<ConsumerInfo> {
    const { onlyCamera } = readEventFilter(subscription.filter);
    return this.#nats.manager.consumers.add(streamOf(subscription.kind), {
      ...mainConsumer(id, subscription, start, onlyCamera),
      ...(loss && { description: untoldLoss }),
    });
  }
}
