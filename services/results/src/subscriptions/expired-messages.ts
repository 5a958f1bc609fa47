import { type Gap, type Subscription, toTimestamp } from "@sightline/contracts";
import type { Nats } from "@sightline/service";
import { StoredMessages } from "../feeds/stored-messages.ts";
import { streamOf } from "./subscription-consumers.ts";
import type { SubscriptionRegistry } from "./subscription-registry.ts";

/** Finds messages that expired before a subscription got them, and tells of each once. */
export class ExpiredMessages {
  readonly #nats: Nats;
  readonly #registry: SubscriptionRegistry;
  /** Subscription id → last sequence that has been told of. */
  readonly #told = new Map<string, number>();

  constructor(nats: Nats, registry: SubscriptionRegistry) {
    this.#nats = nats;
    this.#registry = registry;
  }

  /** What is gone and has not been told of; undefined when nothing is. @throws when NATS is away */
  async unread(id: string, subscription: Subscription): Promise<Omit<Gap, "reason"> | undefined> {
    const place = await this.#registry.place(id, subscription);
    const { first, firstTime } = await new StoredMessages(this.#nats, streamOf(subscription.kind)).state();
    if (!place) return undefined;
    const read = Math.max(place.delivered.stream_seq, this.#told.get(id) ?? 0);
    const gone = first - 1;
    if (gone <= read) return undefined;
    this.#told.set(id, gone);
    const firstAvailableTime = firstTime === undefined ? undefined : toTimestamp(firstTime);
    return { messages: gone - read, firstAvailableTime };
  }
}
