import type { SightlineClient } from "@sightline/client";
import { Backoff, parseEventName } from "@sightline/contracts";
import { type Logger, pause } from "@sightline/service";
import type { BridgeMeter } from "../bridge-metrics.ts";
import { type PendingEvent, SubscriptionReader } from "../subscription-reader.ts";
import { ArrivedMessages } from "./arrived-messages.ts";
import { BrokerError, BrokerSession } from "./broker-session.ts";
import { frigateMessages } from "./frigate-event.ts";
import { HomeState } from "./home-state.ts";
import type { MqttConfig } from "./mqtt-config.ts";

/** Most events that the broker has been sent and has not acknowledged yet. */
const inFlight = 64;
/**
 * Long enough for the server to take back the messages of the previous session; otherwise newer events would overtake them.
 */
const brokerRange = { firstMs: 2_000, mostMs: 10_000 };
const recountRange = { firstMs: 200, mostMs: 10_000 };
/** When the bridge stops, messages in progress may take this long to end. */
const stopGraceMs = 3_000;

/** Publishes the events of one named subscription to an MQTT broker, in the form of Frigate's MQTT API. */
export class MqttBridge {
  readonly name: string;
  readonly #config: MqttConfig;
  readonly #reader: SubscriptionReader;
  readonly #home: HomeState;
  readonly #arrived = new ArrivedMessages();
  readonly #meter: BridgeMeter;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #session: BrokerSession | undefined;
  #running: Promise<unknown> | undefined;

  constructor(client: SightlineClient, config: MqttConfig, meter: BridgeMeter, log: Logger) {
    this.name = config.subscription;
    this.#config = config;
    this.#meter = meter;
    this.#log = log;
    this.#reader = new SubscriptionReader(client, config.subscription, "newest", log, () =>
      this.#tellMeter(),
    );
    this.#home = new HomeState(client, config, log, this.#stopping.signal);
  }

  start(): void {
    const { signal } = this.#stopping;
    this.#running ??= Promise.all([this.#home.run(signal), this.#run(signal)]);
  }

  /** What prevents events from being delivered; undefined when nothing does. */
  missing(): string | undefined {
    if (!this.#session) return "no connection to the MQTT broker";
    return this.#reader.connected ? undefined : "no connection to the results service";
  }

  /** Waits until the broker has the messages in progress; the others are given back. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    // A broker that does not answer is not waited for.
    const timer = setTimeout(() => this.#session?.abandon(), stopGraceMs);
    await this.#running;
    clearTimeout(timer);
  }

  async #run(stop: AbortSignal): Promise<void> {
    // Before there is a broker, so that events from now on wait for it.
    await this.#reader.create(stop);
    const backoff = new Backoff(brokerRange);
    while (!stop.aborted) {
      try {
        const will = { topic: this.#home.topics.available, payload: "offline" };
        const session = await BrokerSession.open(this.#config, will, stop);
        backoff.reset();
        this.#log.info({ broker: this.#config.shown }, "connected to the MQTT broker");
        await this.#serve(session, stop);
      } catch (error) {
        if (stop.aborted) return;
        const context = { broker: this.#config.shown, err: error };
        this.#log.warn(context, "cannot publish over MQTT; trying again");
      }
      await pause(backoff.fail(), stop);
    }
  }

  /** Runs until the session is lost or the bridge stops. */
  async #serve(session: BrokerSession, stop: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([stop, session.lost]);
    const { available } = this.#home.topics;
    try {
      this.#setSession(session);
      await session.publish(available, "online", true);
      await this.#home.begin(session, signal);
      await this.#recount(signal);
      const former = this.#arrived.former();
      await this.#reader.read((message) => this.#deliver(session, message, former), {
        maxUnacknowledged: inFlight,
        signal,
        onGap: () => void this.#recount(signal),
      });
    } finally {
      this.#home.end();
      if (session.lost.aborted && !stop.aborted)
        this.#log.warn({ broker: this.#config.shown }, "the connection to the MQTT broker is lost");
      if (!session.lost.aborted) await session.publish(available, "offline", true).catch(() => undefined);
      await session.close();
      this.#setSession(undefined);
    }
  }

  /**
   * Tries until it succeeds or the signal aborts.
   * @throws BrokerError
   */
  async #recount(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(recountRange);
    while (!signal.aborted)
      try {
        return await this.#home.recount(signal);
      } catch (error) {
        if (error instanceof BrokerError) return;
        await pause(backoff.fail(), signal);
      }
  }

  /**
   * Everything is handed to the session before anything is waited for, so that messages arrive in the order of the events.
   */
  async #deliver(
    session: BrokerSession,
    message: PendingEvent,
    former: ReturnType<ArrivedMessages["former"]>,
  ): Promise<void> {
    const { event } = message;
    const { camera } = parseEventName(event.name) ?? {};
    const began = performance.now();
    try {
      if (camera === undefined || this.#arrived.has(event)) return await message.ack();
      const messages = frigateMessages(event, former.of(event));
      const { topics } = this.#home;
      const publishing = messages.map((each) => session.publish(topics.events, JSON.stringify(each)));
      // After an event is over, no later message needs its object.
      const object = event.endTime ? undefined : messages.at(-1)?.after;
      former.note(event, object);
      await Promise.all([...publishing, this.#home.note(event, camera)]);
      this.#arrived.note(event, object);
      this.#meter.ended("delivered", (performance.now() - began) / 1000);
      await message.ack();
    } catch (error) {
      // What is not acknowledged comes again, in this session or the next.
      if (error instanceof BrokerError) this.#meter.ended("retried", (performance.now() - began) / 1000);
      else this.#log.warn({ event: event.name, err: error }, "an event could not be acknowledged");
    }
  }

  #setSession(session: BrokerSession | undefined): void {
    this.#session = session;
    this.#tellMeter();
  }

  #tellMeter(): void {
    this.#meter.connected(this.missing() === undefined);
  }
}
