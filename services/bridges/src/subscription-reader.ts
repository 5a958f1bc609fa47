import { once } from "node:events";
import {
  type DeliveredMessage,
  type Event,
  type SightlineClient,
  SightlineError,
  SubscriptionKind,
} from "@sightline/client";
import { Backoff } from "@sightline/contracts";
import { type Logger, pause } from "@sightline/service";

/**
 * Seconds that a bridge has for a message: messages that a killed results service had handed out come again after this. It
 * is the same for every bridge, because a subscription cannot be changed; for the same reason, its filter lets all events
 * pass.
 */
const ackDeadlineSeconds = 40;
/** Only a message that ends its bridge again and again gets this far. */
const maxDeliveryAttempts = 1000;
const retryRange = { firstMs: 200, mostMs: 5_000 };
/** When reading ends, messages in progress may take this long; a bridge that stops breaks them off earlier. */
const graceMs = 4_000;

/** A message about an event that waits for its acknowledgement. */
export type PendingEvent = DeliveredMessage & { kind: "event"; event: Event };

/** Options for reading. */
export interface ReadOptions {
  /** Most messages in progress at a time. */
  maxUnacknowledged: number;
  /** When it aborts, no more messages are started; those in progress are waited for, and the others are given back. */
  signal: AbortSignal;
  /** Called when events expired before this bridge read them. */
  onGap?: () => void;
}

/** Reads the named subscription of a bridge, and creates it when it does not exist. */
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

  /** Whether new events would be delivered now. */
  get connected(): boolean {
    return this.#connected;
  }

  /**
   * Creates the subscription once the server can be reached; events from then on are delivered. Also resolves when aborted.
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

  /** Whether creating the subscription failed because a usable one already exists: it began elsewhere. */
  async #isUsable(error: unknown, signal: AbortSignal): Promise<boolean> {
    if (SightlineError.from(error).code !== "ALREADY_EXISTS") return false;
    const existing = await this.#client.subscriptions.get(this.id, { signal }).catch(() => undefined);
    return existing?.kind === SubscriptionKind.EVENTS;
  }

  /** Calls `handle` for each message until aborted. `handle` must not reject, and must answer for the message. */
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
    // When the stream ends, the server gives unanswered messages to other readers; so the stream must outlive the signal.
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
      // An answer is repeated while the server cannot be reached; by then its message has been delivered again.
      const grace = pause(graceMs, end.signal);
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
    await pause(backoff.fail(), signal);
  }
}
