import { type Gap, type Subscription, toTimestamp } from "@sightline/contracts";
import type { Nats } from "@sightline/service";
import { StoredMessages } from "../feeds/stored-messages.ts";
import { streamOf } from "./subscription-consumers.ts";
import type { SubscriptionRegistry } from "./subscription-registry.ts";

/** A server that restarts gives a consumer's creation a little differently. */
const createdToleranceMs = 1_000;

/** Messages that are gone. */
export type Expired = Pick<Gap, "messages" | "firstAvailableTime">;

/** Finds messages that expired before a subscription got them, and tells of each once. */
export class ExpiredMessages {
  readonly #nats: Nats;
  readonly #registry: SubscriptionRegistry;
  /**
   * Subscription id → up to where nothing is left to tell of. A server that restarts forgets how far a consumer has passed
   * over messages that are not its own. `created`, in milliseconds, tells the consumer from a later one of the same name.
   */
  readonly #known = new Map<string, { created: number; sequence: number }>();

  constructor(nats: Nats, registry: SubscriptionRegistry) {
    this.#nats = nats;
    this.#registry = registry;
  }

  /** What is gone and has not been told of; undefined when nothing is. @throws when NATS is away */
  async unread(id: string, subscription: Subscription): Promise<Expired | undefined> {
    const place = await this.#registry.place(id, subscription);
    const { first, last, firstTime } = await new StoredMessages(
      this.#nats,
      streamOf(subscription.kind),
    ).state();
    if (!place) return undefined;
    const known = this.#known.get(id);
    const created = Date.parse(place.created);
    const same = known && Math.abs(known.created - created) < createdToleranceMs;
    const before = same ? Math.min(known.sequence, last) : 0;
    const read = Math.max(place.delivered.stream_seq, before);
    const gone = first - 1;
    this.#known.set(id, { created, sequence: Math.max(read, gone) });
    if (gone <= read) return undefined;
    const firstAvailableTime = firstTime === undefined ? undefined : toTimestamp(firstTime);
    return { messages: gone - read, firstAvailableTime };
  }
}
