import type { ConsumerInfo } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { streams, toTimestamp } from "@sightline/contracts";
import { Subscription } from "@sightline/contracts/api";
import {
  deleteConsumer,
  findConsumer,
  isJetStreamFailure,
  type KvMirror,
  type Logger,
  type Nats,
} from "@sightline/service";
import { ApiError } from "../errors.ts";
import type { StreamMakings } from "../feeds/stream-makings.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { noSubscription, sameSubscription } from "./subscription-checks.ts";
import { consumerNames, streamOf } from "./subscription-consumers.ts";
import { type LastGiven, SubscriptionPlace } from "./subscription-place.ts";

/** Named subscriptions and their consumers. Methods that use NATS throw when it is away. */
export class SubscriptionRegistry {
  readonly #nats: Nats;
  readonly #kv: KV;
  readonly #mirror: KvMirror<Subscription>;
  readonly #deadLetters: DeadLetters;
  readonly #places: SubscriptionPlace;
  readonly #log: Logger;

  constructor(
    nats: Nats,
    kv: KV,
    mirror: KvMirror<Subscription>,
    deadLetters: DeadLetters,
    makings: StreamMakings,
    log: Logger,
  ) {
    this.#places = new SubscriptionPlace(nats, makings, log);
    this.#log = log;
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
    if (!subscription) throw noSubscription(id);
    return subscription;
  }

  /** Stores a checked subscription and creates its consumers. @throws ApiError subscription_exists, cursor_corrupt, cursor_foreign */
  async create(id: string, subscription: Subscription): Promise<Subscription> {
    const known = this.#mirror.get(id);
    if (known) return this.#sameOrFail(id, known, subscription);
    // Consumers first: a subscription that is visible has its position.
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

  /** Makes sure that the subscription's consumers exist and can deliver; `given`: the last message given to a reader. */
  provision(id: string, subscription: Subscription, given?: LastGiven): Promise<ConsumerInfo> {
    return this.#places.ensure(id, subscription, given);
  }

  /** The same for all subscriptions; failures are logged. */
  async provisionAll(): Promise<void> {
    for (const id of this.ids()) {
      const subscription = this.#mirror.get(id);
      if (!subscription) continue;
      await this.provision(id, subscription).catch((error: Error) =>
        this.#log.warn({ subscription: id, err: error }, "a subscription is not looked at yet"),
      );
    }
  }

  /** A reader has been told about lost messages. */
  lossTold(id: string, subscription: Subscription): Promise<void> {
    return this.#places.lossTold(id, subscription);
  }

  /** The state of a subscription's consumer; undefined when it has none. */
  async place(id: string, subscription: Subscription): Promise<ConsumerInfo | undefined> {
    const consumer = await findConsumer(
      this.#nats.manager,
      streamOf(subscription.kind),
      consumerNames(id).main,
    );
    // Where it fails, the next question notes it.
    if (consumer) await this.#places.note(id, consumer).catch(() => undefined);
    return consumer;
  }

  /** Removes a subscription, its consumers and its dead letters. @throws ApiError subscription_not_found */
  async delete(id: string): Promise<void> {
    const subscription = this.get(id);
    const names = consumerNames(id);
    await deleteConsumer(this.#nats.manager, streamOf(subscription.kind), names.main);
    await deleteConsumer(this.#nats.manager, streams.deadLetters, names.redeliveries);
    await this.#deadLetters.purge(id);
    this.#places.forget(id);
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
}
