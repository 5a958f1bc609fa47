import { type Gap, streams, subjects, toTimestamp } from "@sightline/contracts";
import { type Subscription, SubscriptionKind } from "@sightline/contracts/api";
import { isJetStreamFailure, type Nats } from "@sightline/service";
import { readEventFilter } from "../feeds/event-format.ts";
import { StoredMessages } from "../feeds/stored-messages.ts";
import { streamOf } from "./subscription-consumers.ts";
import { createdAt, isSameMaking } from "./subscription-place.ts";
import type { SubscriptionRegistry } from "./subscription-registry.ts";

/** A timeline entry has in this header the sequence of the entry before it in its camera's timeline, 0 when none was stored then. */
const previousHeader = "Nats-Expected-Last-Subject-Sequence";

/** Expired messages. */
export type Expired = Pick<Gap, "messages" | "firstAvailableTime">;

/** Finds messages that expired before a subscription got them, and reports each once. */
export class ExpiredMessages {
  readonly #nats: Nats;
  readonly #registry: SubscriptionRegistry;
  /**
   * Subscription id → the sequence up to which nothing is left to report. When NATS restarts, it forgets which messages of others a
   * consumer has skipped, and since 2.10 it does not report them at all. `created`, in milliseconds, distinguishes the consumer from a
   * later one with the same name.
   */
  readonly #known = new Map<string, { created: number; sequence: number }>();

  constructor(nats: Nats, registry: SubscriptionRegistry) {
    this.#nats = nats;
    this.#registry = registry;
  }

  /** Expired messages that have not been reported; undefined when there are none. @throws when NATS is away */
  async unread(id: string, subscription: Subscription): Promise<Expired | undefined> {
    const stored = new StoredMessages(this.#nats, streamOf(subscription.kind));
    const asked = await stored.state();
    const place = await this.#registry.place(id, subscription);
    const { first, last, firstTime } = await stored.state();
    if (!place) return undefined;
    const known = this.#known.get(id);
    const created = createdAt(place);
    const same = known && isSameMaking(known.created, created);
    const before = same ? Math.min(known.sequence, last) : 0;
    const read = Math.max(place.delivered.stream_seq, before);
    const gone = first - 1;
    // Nothing has expired and nothing is pending: everything that existed at that time was delivered or is for others.
    const passed = gone <= read && place.num_pending === 0 && asked.last <= last ? asked.last : 0;
    const missed = gone > read && (await this.#hasMissed(subscription, read, first));
    // Until that is known, the search is repeated.
    if (missed === undefined) return undefined;
    this.#known.set(id, { created, sequence: Math.max(read, gone, passed) });
    if (!missed) return undefined;
    const firstAvailableTime = firstTime === undefined ? undefined : toTimestamp(firstTime);
    return { messages: gone - read, firstAvailableTime };
  }

  /** Whether messages after `read` and before `first` belonged to the subscription; undefined while this is unknown. */
  async #hasMissed(subscription: Subscription, read: number, first: number): Promise<boolean | undefined> {
    const { onlyCamera } = readEventFilter(subscription.filter);
    if (subscription.kind !== SubscriptionKind.DETECTIONS || onlyCamera === undefined) return true;
    const query = { seq: first, next_by_subj: subjects.timeline(onlyCamera) };
    const next = await this.#nats.manager.streams
      .getMessage(streams.timeline, query)
      .catch((error: Error) => {
        if (isJetStreamFailure(error, "noMessageFound")) return null;
        throw error;
      });
    if (!next) return undefined;
    const previous = next.header?.get(previousHeader);
    return !previous || previous === "0" || Number(previous) > read;
  }
}
