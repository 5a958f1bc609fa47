import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import {
  type DeliveredMessage,
  type Event,
  type SightlineClient,
  SightlineError,
  SubscriptionKind,
} from "@sightline/client";
import { Backoff } from "@sightline/contracts";
import type { Logger } from "@sightline/service";

/**
 * Seconds that a bridge has for a message: what a results service that was killed had handed out comes again after that.
 * It is the same for every bridge, since a subscription cannot be changed; so is that it lets all events pass.
 */
const ackDeadlineSeconds = 40;
/** Only a message that ends its bridge time and again gets so far. */
const maxDeliveryAttempts = 1000;
const retryRange = { firstMs: 200, mostMs: 5_000 };
/** What is in hand when reading ends may take so long; a bridge that stops breaks it off before. */
const graceMs = 4_000;

/** A message about an event that waits for its acknowledgement. */
export type PendingEvent = DeliveredMessage & { kind: "event"; event: Event };

/** How to read. */
export interface ReadOptions {
  /** Most messages in hand at a time. */
  maxUnacknowledged: number;
  /** No more messages are begun when it aborts; what is in hand is waited for, and the rest is given back. */
  signal: AbortSignal;
  /** Is told that events expired before this bridge got to them. */
  onGap?: () => void;
}

/** Reads the named subscription of a bridge, which it makes when it is not there. */
export class SubscriptionReader {
  readonly id: string;
  readonly #client: SightlineClient;
  readonly #start: "newest" | "beginning";
  readonly #log: Logger;
  readonly #onConnected: (connected: boolean) => void;
  #connected = false;

  constructor(
    client: SightlineClient,
    id: string,
    start: "newest" | "beginning",
    log: Logger,
    onConnected: (connected: boolean) => void,
  ) {
    this.#client = client;
    this.id = id;
    this.#start = start;
    this.#log = log;
    this.#onConnected = onConnected;
  }

  /** Whether events would be given now. */
  get connected(): boolean {
    return this.#connected;
  }

  /**
   * Makes the subscription, once the server can be reached: what happens from then on is delivered. Resolves as well when
   * aborted.
   */
  async create(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(retryRange);
    while (!signal.aborted)
      try {
        const settings = {
          kind: "events",
          start: this.#start,
          ackDeadlineSeconds,
          maxDeliveryAttempts,
        } as const;
        await this.#client.subscriptions.create(this.id, settings, { signal });
        return;
      } catch (error) {
        if (await this.#isUsable(error, signal)) return;
        await this.#pause(backoff, error, signal);
      }
  }

  /** Whether making the subscription failed because there is one that does as well: it began elsewhere. */
  async #isUsable(error: unknown, signal: AbortSignal): Promise<boolean> {
    if (SightlineError.from(error).code !== "ALREADY_EXISTS") return false;
    const existing = await this.#client.subscriptions.get(this.id, { signal }).catch(() => undefined);
    return existing?.kind === SubscriptionKind.EVENTS;
  }

  /** Calls `handle`, which must not reject and answers for the message, until aborted. */
  async read(handle: (message: PendingEvent) => Promise<void>, options: ReadOptions): Promise<void> {
    const { signal } = options;
    const backoff = new Backoff(retryRange);
    while (!signal.aborted) {
      try {
        await this.create(signal);
        await this.#readOnce(handle, options);
      } catch (error) {
        await this.#pause(backoff, error, signal);
      }
    }
  }

  async #readOnce(
    handle: (message: PendingEvent) => Promise<void>,
    { maxUnacknowledged, signal, onGap }: ReadOptions,
  ): Promise<void> {
    if (signal.aborted) return;
    // When the stream ends, the server gives what was not answered for to other readers: so it has to outlive the signal.
    const end = new AbortController();
    const inHand = new Set<Promise<void>>();
    const messages = this.#client.subscriptions.consume(this.id, {
      maxUnacknowledged,
      signal: end.signal,
      onStatus: ({ state }) => this.#setConnected(state === "connected"),
    });
    const reading = (async () => {
      for await (const message of messages) {
        if (message.kind === "gap") {
          this.#log.warn(
            { subscription: this.id, messages: message.gap.messages },
            "events expired before they were delivered",
          );
          onGap?.();
        } else if (message.kind === "event" && !signal.aborted) {
          const task = handle(message).finally(() => inHand.delete(task));
          inHand.add(task);
        }
      }
    })();
    const stopped = new AbortController();
    try {
      await Promise.race([reading, once(signal, "abort", { signal: stopped.signal })]);
    } finally {
      stopped.abort();
      // An answer is tried again while the server is away; by then its message is delivered anew.
      const grace = delay(graceMs, undefined, { signal: end.signal }).catch(() => undefined);
      await Promise.race([Promise.all(inHand), grace]);
      end.abort();
      await reading.catch(() => undefined);
      this.#setConnected(false);
    }
  }

  #setConnected(connected: boolean): void {
    if (connected === this.#connected) return;
    this.#connected = connected;
    this.#onConnected(connected);
  }

  async #pause(backoff: Backoff, error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const fault = SightlineError.from(error);
    this.#log.warn({ subscription: this.id, err: fault }, "cannot read events; trying again");
    await delay(backoff.fail(), undefined, { signal }).catch(() => undefined);
  }
}
