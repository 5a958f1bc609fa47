import { untilAborted } from "@sightline/service";
import mqtt, { type MqttClient } from "mqtt";
import type { MqttConfig } from "./mqtt-config.ts";

const connectTimeoutMs = 10_000;
/** A broker that does not answer for one and a half times this long is gone. */
const keepaliveSeconds = 15;
const endTimeoutMs = 1_000;
/** Retained messages come directly after a subscription. */
const [retainedQuietMs, retainedLimitMs] = [250, 3_000];

/** Why the broker has not taken something. */
export type BrokerErrorCode =
  /** The connection could not be opened. */
  | "not_connected"
  /** The connection ended. */
  | "connection_lost"
  /** The broker, or its client here, refused a message. */
  | "message_refused"
  /** The bridge is stopping. */
  | "stopping";

/** The connection to the broker ended, or could not be opened. */
export class BrokerError extends Error {
  override readonly name = "BrokerError";
  readonly code: BrokerErrorCode;

  constructor(code: BrokerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * One connection to the broker, from its opening to its loss. It is not reopened: to continue, the caller opens another
 * session, and publishes again whatever this one did not confirm.
 */
export class BrokerSession {
  readonly #client: MqttClient;
  readonly #lost = new AbortController();
  /** Calls that wait for the broker's acknowledgement. */
  readonly #waiting = new Set<(reason: BrokerError) => void>();

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on("error", () => undefined);
    client.on("close", () => this.abandon());
  }

  /**
   * Connects; `will` is published as a retained message if the connection is lost.
   * @throws BrokerError
   */
  static async open(
    config: MqttConfig,
    will: { topic: string; payload: string },
    signal: AbortSignal,
  ): Promise<BrokerSession> {
    const client = mqtt.connect(config.url, {
      clientId: `sightline-${config.subscription}`,
      username: config.user,
      password: config.password,
      ...(config.ca !== undefined && { ca: config.ca }),
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: connectTimeoutMs,
      keepalive: keepaliveSeconds,
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
    });
    try {
      await untilConnected(client, signal);
    } catch (error) {
      client.on("error", () => undefined);
      client.end(true);
      throw error;
    }
    return new BrokerSession(client);
  }

  /** Aborts when the connection is lost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Publishes at least once (QoS 1); messages of one session arrive in the order of the calls. Resolves when the broker has
   * the message.
   * @throws BrokerError when the connection is lost before that
   */
  async publish(topic: string, payload: string | Uint8Array, retain = false): Promise<void> {
    if (this.#lost.signal.aborted)
      throw new BrokerError("connection_lost", "the connection to the broker is lost");
    let giveUp: (reason: BrokerError) => void = () => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        giveUp = reject;
        this.#waiting.add(reject);
        const bytes = typeof payload === "string" ? payload : Buffer.from(payload);
        this.#client.publish(topic, bytes, { qos: 1, retain }, (error) =>
          error ? reject(new BrokerError("message_refused", error.message, { cause: error })) : resolve(),
        );
      });
    } finally {
      this.#waiting.delete(giveUp);
    }
  }

  /**
   * The retained messages of the topics that match `filter`; `end` is such a topic that nobody uses. Incomplete when this
   * takes too long. Empty when the broker does not answer.
   */
  async retained(filter: string, end: string): Promise<Map<string, Buffer>> {
    const found = new Map<string, Buffer>();
    const quiet = Promise.withResolvers<void>();
    let timer = setTimeout(quiet.resolve, retainedLimitMs);
    const receive = (topic: string, payload: Buffer, { retain }: { retain: boolean }) => {
      if (retain && payload.length > 0) found.set(topic, payload);
      if (topic !== end) return;
      clearTimeout(timer);
      // Not every broker keeps the order of subscription and publication.
      timer = setTimeout(quiet.resolve, retainedQuietMs);
    };
    this.#client.on("message", receive);
    const lost = () => quiet.resolve();
    this.lost.addEventListener("abort", lost);
    try {
      await this.#client.subscribeAsync(filter, { qos: 1 });
      await this.publish(end, "end");
      await quiet.promise;
      void this.#client.unsubscribeAsync(filter).catch(() => undefined);
    } catch {
      // The bridge may not be allowed to subscribe.
    } finally {
      clearTimeout(timer);
      this.lost.removeEventListener("abort", lost);
      this.#client.off("message", receive);
    }
    return found;
  }

  /** Disconnects cleanly, so that the broker does not publish the will. Safe to call twice. */
  async close(): Promise<void> {
    if (!this.#lost.signal.aborted) {
      const timer = setTimeout(() => this.abandon(), endTimeoutMs);
      const left = untilAborted(this.#lost.signal);
      await Promise.race([this.#client.endAsync().catch(() => undefined), left]);
      clearTimeout(timer);
    }
    this.abandon();
  }

  /** Breaks the connection off without informing the broker. Safe to call twice. */
  abandon(): void {
    this.#client.end(true);
    this.#client.stream?.destroy();
    this.#lose();
  }

  #lose(): void {
    this.#lost.abort();
    for (const reject of this.#waiting)
      reject(new BrokerError("connection_lost", "the connection to the broker is lost"));
    this.#waiting.clear();
  }
}

/** @throws BrokerError */
async function untilConnected(client: MqttClient, signal: AbortSignal): Promise<void> {
  const settled = new AbortController();
  try {
    await new Promise<void>((resolve, reject) => {
      client.once("connect", () => resolve());
      client.once("error", (cause: Error & { code?: unknown }) =>
        reject(new BrokerError("not_connected", cause.message || String(cause.code), { cause })),
      );
      client.once("close", () =>
        reject(new BrokerError("not_connected", "the broker closed the connection")),
      );
      signal.addEventListener(
        "abort",
        () => reject(new BrokerError("stopping", "the bridge is stopping")),
        settled,
      );
      if (signal.aborted) reject(new BrokerError("stopping", "the bridge is stopping"));
    });
  } finally {
    settled.abort();
  }
}
