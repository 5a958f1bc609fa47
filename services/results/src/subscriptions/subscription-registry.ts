import type { ConsumerInfo } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { Subscription, streams, toTimestamp } from "@sightline/contracts";
import { isJetStreamFailure, type KvMirror, type Nats } from "@sightline/service";
import { readEventFilter } from "../feeds/event-filter.ts";
import { readStart } from "../feeds/start-position.ts";
import { StoredMessages } from "../feeds/stored-messages.ts";
import { ApiError } from "../grpc/errors.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { sameSubscription } from "./subscription-checks.ts";
import { consumerNames, mainConsumer, redeliveryConsumer, streamOf } from "./subscription-consumers.ts";

/** Named subscriptions and their consumers. Methods that speak to NATS throw when it is away. */
export class SubscriptionRegistry {
  readonly #nats: Nats;
  readonly #kv: KV;
  readonly #mirror: KvMirror<Subscription>;
  readonly #deadLetters: DeadLetters;

  constructor(nats: Nats, kv: KV, mirror: KvMirror<Subscription>, deadLetters: DeadLetters) {
    this.#nats = nats;
    this.#kv = kv;
    this.#mirror = mirror;
    this.#deadLetters = deadLetters;
  }

  /** Ids of all subscriptions, sorted. */
  ids(): string[] {
    return this.#mirror.keys().sort();
  }

  /** A subscription. @throws ApiError subscription_not_found */
  get(id: string): Subscription {
    const subscription = this.#mirror.get(id);
    if (!subscription) throw new ApiError("subscription_not_found", `there is no subscription '${id}'`);
    return subscription;
  }

  /** Stores a checked subscription and gives it its place. @throws ApiError subscription_exists, cursor_corrupt, cursor_foreign */
  async create(id: string, subscription: Subscription): Promise<Subscription> {
    const known = this.#mirror.get(id);
    if (known) return this.#sameOrFail(id, known, subscription);
    // Consumers first: a subscription that is known has its place.
    await this.provision(id, subscription);
    const stored = { ...subscription, createTime: toTimestamp(Date.now()) };
    try {
      const revision = await this.#kv.create(id, Subscription.encode(stored).finish());
      this.#mirror.applyPut(id, revision, stored);
      return stored;
    } catch (error) {
      if (!isJetStreamFailure(error, "wrongLastSequence")) throw error;
      const entry = await this.#kv.get(id);
      if (!entry) throw error;
      return this.#sameOrFail(id, Subscription.decode(entry.value), subscription);
    }
  }

  /** Makes sure that the subscription's consumers are there; those that are keep their place. */
  async provision(id: string, subscription: Subscription): Promise<void> {
    const stream = streamOf(subscription.kind);
    const names = consumerNames(id);
    if (!(await this.#consumer(stream, names.main))) {
      const { identity } = await new StoredMessages(this.#nats, stream).state();
      const kind = stream === streams.timeline ? "detections" : "events";
      const start = readStart(kind, identity, subscription.start) ?? { from: "newest" };
      const { onlyCamera } = readEventFilter(subscription.filter);
      await this.#nats.manager.consumers.add(stream, mainConsumer(id, subscription, start, onlyCamera));
    }
    if (!(await this.#consumer(streams.deadLetters, names.redeliveries)))
      await this.#nats.manager.consumers.add(streams.deadLetters, redeliveryConsumer(id, subscription));
  }

  /** The state of a subscription's place in its stream; undefined when it has none. */
  async place(id: string, subscription: Subscription): Promise<ConsumerInfo | undefined> {
    return this.#consumer(streamOf(subscription.kind), consumerNames(id).main);
  }

  /** Removes a subscription, its consumers and its dead letters. @throws ApiError subscription_not_found */
  async delete(id: string): Promise<void> {
    const subscription = this.get(id);
    const names = consumerNames(id);
    await this.#deleteConsumer(streamOf(subscription.kind), names.main);
    await this.#deleteConsumer(streams.deadLetters, names.redeliveries);
    await this.#deadLetters.purge(id);
    const revision = this.#mirror.revision(id);
    await this.#kv.delete(id);
    if (revision !== undefined) this.#mirror.applyDelete(id, revision);
  }

  #sameOrFail(id: string, known: Subscription, wanted: Subscription): Subscription {
    if (sameSubscription(known, wanted)) return known;
    throw new ApiError(
      "subscription_exists",
      `subscription '${id}' exists and differs; delete it first, or take another id`,
    );
  }

  async #consumer(stream: string, name: string): Promise<ConsumerInfo | undefined> {
    try {
      return await this.#nats.manager.consumers.info(stream, name);
    } catch (error) {
      if (isJetStreamFailure(error, "consumerNotFound")) return undefined;
      throw error;
    }
  }

  async #deleteConsumer(stream: string, name: string): Promise<void> {
    try {
      await this.#nats.manager.consumers.delete(stream, name);
    } catch (error) {
      if (!isJetStreamFailure(error, "consumerNotFound")) throw error;
    }
  }
}
