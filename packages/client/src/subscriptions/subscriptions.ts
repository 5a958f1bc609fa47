import {
  type DeadLetter,
  Subscription,
  SubscriptionKind,
  SubscriptionServiceClient,
} from "@sightline/contracts/api";
import { type CallSettings, pages, type UnaryMethod } from "../calls.ts";
import type { Connection } from "../connection.ts";
import { SightlineError } from "../errors.ts";
import { type EventFilter, toFilterMessage } from "../events.ts";
import { type Start, toStartPosition } from "../start.ts";
import { Answers } from "./answers.ts";
import type { DeliveredMessage, SubscriptionMessage } from "./message.ts";
import { type ConsumeOptions, consume, type ProcessOptions, processMessages } from "./process.ts";

/** What a named subscription delivers, and how. */
export interface SubscriptionSettings {
  kind: "events" | "detections";
  /** All by default. For detections only cameras and classes are used. */
  filter?: EventFilter;
  /** Where it begins; default "newest". */
  start?: Start;
  /** Seconds in which a reader must acknowledge a message, 1-600; default 30. */
  ackDeadlineSeconds?: number;
  /** A message becomes a dead letter after this many deliveries, 1-1000; default 10. */
  maxDeliveryAttempts?: number;
}

/**
 * Subscriptions by name, for readers that must not miss anything: each message is delivered until it is acknowledged, and
 * readers of one subscription share its messages. They are named by their id, such as `alerts`. Every method throws
 * SightlineError; NOT_FOUND if there is no such subscription.
 *
 * @example
 * ```ts
 * await client.subscriptions.create("alerts", { kind: "events", start: "beginning" });
 * const stop = new AbortController();
 * let kind = "";
 * await client.subscriptions.process("alerts", (message) => {
 *   kind = message.kind; // Returning acknowledges it; what throws gets it again later.
 *   stop.abort();
 * }, { signal: stop.signal });
 * assert.equal(kind, "event");
 * await client.subscriptions.delete("alerts");
 * ```
 */
export class Subscriptions {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Creates a subscription. ALREADY_EXISTS if a different subscription has this id; creating the same one again is not an error. */
  async create(id: string, settings: SubscriptionSettings, call: CallSettings = {}): Promise<Subscription> {
    const request = { subscriptionId: id, subscription: toSubscription(settings) };
    const { subscription } = await this.#call((client) => client.createSubscription, request, call);
    return present(subscription);
  }

  /** Returns a subscription and its state. */
  async get(id: string, call: CallSettings = {}): Promise<Subscription> {
    const request = { name: nameOf(id) };
    const { subscription } = await this.#call((client) => client.getSubscription, request, call);
    return present(subscription);
  }

  /** Iterates over all subscriptions, sorted by name. */
  async *list(call: CallSettings & { pageSize?: number } = {}): AsyncGenerator<Subscription, void> {
    for await (const { subscriptions } of pages({ pageSize: call.pageSize ?? 0 }, (request) =>
      this.#call((client) => client.listSubscriptions, request, call),
    ))
      yield* subscriptions;
  }

  /** Removes a subscription and its dead letters. */
  async delete(id: string, call: CallSettings = {}): Promise<void> {
    await this.#call((client) => client.deleteSubscription, { name: nameOf(id) }, call);
  }

  /**
   * Iterates over the messages for this reader, until aborted. Answer each one with its `ack` or `reject`.
   * It reconnects automatically. Messages that were not answered before, or not in time, are delivered again.
   */
  consume(id: string, options: ConsumeOptions = {}): AsyncGenerator<SubscriptionMessage, void> {
    const name = nameOf(id);
    return consume(this.#connection, name, new Answers(this.#connection, name), options);
  }

  /**
   * Calls `handler` with each message. If the handler succeeds, the message is acknowledged; if it throws, the message is rejected and delivered
   * again later. After an abort it resolves when the running handlers have ended and the server has their outcome.
   */
  async process(
    id: string,
    handler: (message: DeliveredMessage) => Promise<void> | void,
    options: ProcessOptions = {},
  ): Promise<void> {
    await processMessages(this.#connection, nameOf(id), handler, options);
  }

  /** Iterates over messages that could not be delivered, oldest first. */
  async *deadLetters(
    id: string,
    call: CallSettings & { pageSize?: number } = {},
  ): AsyncGenerator<DeadLetter, void> {
    const request = { parent: nameOf(id), pageSize: call.pageSize ?? 0 };
    for await (const { deadLetters } of pages(request, (one) =>
      this.#call((client) => client.listDeadLetters, one, call),
    ))
      yield* deadLetters;
  }

  /** Removes a dead letter, by its resource name; with `redeliver` it is delivered once more first. */
  async deleteDeadLetter(name: string, call: CallSettings & { redeliver?: boolean } = {}): Promise<void> {
    const request = { name, redeliver: call.redeliver ?? false };
    await this.#call((client) => client.deleteDeadLetter, request, call);
  }

  #call<Request, Response>(
    method: (client: SubscriptionServiceClient) => UnaryMethod<Request, Response>,
    request: Request,
    call: CallSettings,
  ): Promise<Response> {
    return this.#connection.call(SubscriptionServiceClient, method, request, call);
  }
}

const kinds = { events: SubscriptionKind.EVENTS, detections: SubscriptionKind.DETECTIONS };

function toSubscription(settings: SubscriptionSettings): Subscription {
  const { kind, filter, start, ackDeadlineSeconds, maxDeliveryAttempts } = settings;
  return Subscription.fromPartial({
    kind: kinds[kind],
    filter: toFilterMessage(filter ?? {}),
    start: start && toStartPosition(start),
    ackDeadlineSeconds,
    maxDeliveryAttempts,
  });
}

function nameOf(id: string): string {
  return `subscriptions/${id}`;
}

function present(subscription: Subscription | undefined): Subscription {
  if (!subscription) throw new SightlineError("INTERNAL", "the server's answer has no subscription");
  return subscription;
}
