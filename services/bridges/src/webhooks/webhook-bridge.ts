import type { SightlineClient } from "@sightline/client";
import { backoffMs, type Event, parseEventName } from "@sightline/contracts";
import { type Logger, pause } from "@sightline/service";
import type { BridgeMeter } from "../bridge-metrics.ts";
import { type PendingEvent, SubscriptionReader } from "../subscription-reader.ts";
import { type Attempt, post, webhookMessage } from "./post.ts";
import { subscriptionOf, type WebhookConfig } from "./webhook-config.ts";

/**
 * A message is held at most this long before it is given back, to be given out again at once: this hold, and the attempt
 * before it, must end within the subscription's deadline.
 */
const longestHoldMs = 20_000;
/** When the bridge stops, messages in progress may take this long to end. */
const stopGraceMs = 3_000;

/** For ordered delivery: a failed message whose next attempt may not be due yet. */
interface Held {
  attempts: number;
  /** Monotonic, in milliseconds. */
  dueAt: number;
}

/** Posts the events of one named subscription to one endpoint. */
export class WebhookBridge {
  readonly name: string;
  readonly #config: WebhookConfig;
  readonly #reader: SubscriptionReader;
  readonly #meter: BridgeMeter;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  readonly #breakingOff = new AbortController();
  #reading: Promise<void> | undefined;
  /** By webhook-id: the message in turn, and possibly a dead letter that is tried again. */
  readonly #held = new Map<string, Held>();
  #failing = false;
  #gone = false;

  constructor(client: SightlineClient, config: WebhookConfig, meter: BridgeMeter, log: Logger) {
    this.name = subscriptionOf(config);
    this.#config = config;
    this.#meter = meter;
    this.#log = log;
    this.#reader = new SubscriptionReader(client, this.name, config.start, log, (connected) =>
      meter.connected(connected),
    );
  }

  start(): void {
    const { ordered, concurrency } = this.#config;
    this.#reading ??= this.#reader.read((message) => this.#deliver(message), {
      // The server gives out no more than this, so no message waits here while its deadline passes.
      maxUnacknowledged: ordered ? 1 : concurrency,
      signal: this.#stopping.signal,
    });
  }

  /** What prevents events from being delivered; undefined when nothing does. */
  missing(): string | undefined {
    if (this.#gone)
      return "disabled: the endpoint answered 410 Gone; change its settings, or remove it, and restart the bridges";
    return this.#reader.connected ? undefined : "no connection to the results service";
  }

  /** Finishes messages in progress if that does not take long; the others are given back. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const timer = setTimeout(() => this.#breakingOff.abort(), stopGraceMs);
    await this.#reading;
    clearTimeout(timer);
  }

  async #deliver(message: PendingEvent): Promise<void> {
    try {
      if (!isWanted(message.event, this.#config)) return await message.ack();
      const giveBackAt = performance.now() + longestHoldMs;
      while (await this.#attempt(message, giveBackAt));
    } catch (error) {
      // The message then comes again.
      const context = { bridge: this.name, err: error };
      this.#log.warn(context, "a delivery could not be acknowledged");
    }
  }

  /** Posts the message when it is due, and answers for it; true when it failed and should be tried again here. */
  async #attempt(message: PendingEvent, giveBackAt: number): Promise<boolean> {
    const posted = webhookMessage(message.event);
    const held = this.#held.get(posted.id);
    if (held && !(await this.#due(held, giveBackAt))) {
      await message.reject();
      return false;
    }
    const began = performance.now();
    const attempt = await post(this.#config, posted, this.#breakingOff.signal);
    // In ordered delivery, the number of deliveries does not say how often the message was posted.
    const first = this.#config.ordered ? 1 : message.deliveryAttempt;
    const number = held ? held.attempts + 1 : first;
    const seconds = (performance.now() - began) / 1000;
    return this.#answer(message, { ...attempt, id: posted.id, number }, seconds);
  }

  async #answer(
    message: PendingEvent,
    attempt: Attempt & { id: string; number: number },
    seconds: number,
  ): Promise<boolean> {
    if (attempt.kind === "aborted") return false;
    this.#held.delete(attempt.id);
    if (attempt.kind === "delivered") {
      if (this.#failing) this.#log.info({ bridge: this.name }, "deliveries succeed again");
      this.#failing = false;
      this.#meter.ended("delivered", seconds);
      await message.ack();
      return false;
    }
    const context = { bridge: this.name, event: message.event.name, attempt: attempt.number };
    if (attempt.kind === "gone") {
      this.#meter.ended("retried", seconds);
      this.#disable(context);
      // It waits with the others until the settings are corrected.
      await message.reject({ reason: attempt.reason });
      return false;
    }
    if (attempt.kind === "refused" || attempt.number >= this.#config.maxAttempts) {
      const reason = `${attempt.reason}, attempt ${attempt.number}`;
      this.#meter.ended("dead_letter", seconds);
      this.#log.error({ ...context, reason }, "an event cannot be delivered; it is now a dead letter");
      await message.reject({ deadLetter: true, reason });
      return false;
    }
    this.#meter.ended("retried", seconds);
    const delaySeconds = this.#delay(attempt.number, attempt.retryAfterSeconds);
    // One log line for a series of failures, however many there are; the metrics count them.
    const level = this.#failing ? "debug" : "warn";
    this.#failing = true;
    this.#log[level]({ ...context, reason: attempt.reason, delaySeconds }, "a delivery failed; trying again");
    if (!this.#config.ordered) {
      await message.reject({ delaySeconds, reason: attempt.reason });
      return false;
    }
    this.#held.set(attempt.id, {
      attempts: attempt.number,
      dueAt: performance.now() + delaySeconds * 1000,
    });
    return true;
  }

  /**
   * Posts nothing more to an endpoint that does not want messages. Settings are read only at the start, so this lasts until
   * the next start.
   */
  #disable(context: { bridge: string; event: string }): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#meter.disabled("gone");
    this.#log.error(
      context,
      "the endpoint answered 410 Gone: nothing more is posted to it until the bridges restart; change its settings, or remove it",
    );
    this.#stopping.abort();
  }

  /**
   * Waits until the message is due, so that no other message is given out meanwhile; false when it must be given back
   * before.
   */
  async #due({ dueAt }: Held, giveBackAt: number): Promise<boolean> {
    const milliseconds = Math.max(0, Math.min(dueAt, giveBackAt) - performance.now());
    await pause(milliseconds, this.#stopping.signal);
    return dueAt <= giveBackAt && !this.#stopping.signal.aborted;
  }

  #delay(attempt: number, retryAfterSeconds: number): number {
    const { firstDelaySeconds, maxDelaySeconds } = this.#config;
    const range = { firstMs: firstDelaySeconds * 1000, mostMs: maxDelaySeconds * 1000 };
    return Math.round(Math.max(retryAfterSeconds * 1000, backoffMs(attempt, range))) / 1000;
  }
}

/** Whether an endpoint wants an event; a condition that is not set lets all events pass, as in a subscription's filter. */
function isWanted(event: Event, { cameras, types, phases, classes, zones, rules }: WebhookConfig): boolean {
  return (
    lets(cameras, parseEventName(event.name)?.camera) &&
    lets(types, event.type) &&
    lets(phases, event.phase) &&
    lets(classes, event.track?.className) &&
    lets(zones, event.zone) &&
    lets(rules, event.rule)
  );
}

function lets<T>(wanted: readonly T[], value: T | undefined): boolean {
  return wanted.length === 0 || (value !== undefined && wanted.includes(value));
}
