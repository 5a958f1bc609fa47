import { type SightlineClient, SightlineError } from "@sightline/client";
import { type Logger, pause, TaskLimit } from "@sightline/service";
import { BrokerError, type BrokerSession } from "./broker-session.ts";

/** A picture is taken a moment after the event was published. */
const retryAfterMs = [250, 500, 1_000, 2_000, 4_000];
const atATime = 4;
const mostTopics = 10_000;

/**
 * Publishes pictures of events, each retained on its topic. Only the newest request for a topic counts. A picture that is
 * not available is left out: no event waits for it.
 */
export class SnapshotPublisher {
  readonly #client: SightlineClient;
  readonly #log: Logger;
  readonly #stop: AbortSignal;
  readonly #limit = new TaskLimit(atATime, mostTopics);
  /** Topic → the event whose picture it should get. */
  readonly #wanted = new Map<string, string>();
  readonly #busy = new Set<string>();
  #session: BrokerSession | undefined;

  constructor(client: SightlineClient, log: Logger, stop: AbortSignal) {
    this.#client = client;
    this.#log = log;
    this.#stop = stop;
  }

  /** Publishes in this session, beginning with the earlier pictures: the broker may have lost them. */
  begin(session: BrokerSession): void {
    this.#session = session;
    for (const topic of this.#wanted.keys()) this.#begin(topic);
  }

  end(): void {
    this.#session = undefined;
  }

  /** Requests that the topic gets the picture of this event, given by its resource name. */
  want(topic: string, event: string): void {
    if (!this.#wanted.has(topic) && this.#wanted.size >= mostTopics) return;
    this.#wanted.set(topic, event);
    this.#begin(topic);
  }

  /**
   * Makes the broker forget the pictures of these topics.
   * @throws BrokerError
   */
  async remove(topics: readonly string[]): Promise<void> {
    for (const topic of topics) this.#wanted.delete(topic);
    await Promise.all(topics.map((topic) => this.#session?.publish(topic, "", true)));
  }

  #begin(topic: string): void {
    if (this.#busy.has(topic)) return;
    this.#busy.add(topic);
    void this.#serve(topic);
  }

  /**
   * Runs until the topic has the picture that was requested last. No request can come between the last check and the end.
   */
  async #serve(topic: string): Promise<void> {
    let served: { event: string; session: BrokerSession } | undefined;
    try {
      for (;;) {
        const session = this.#session;
        const event = this.#wanted.get(topic);
        if (!session || event === undefined || this.#stop.aborted) return;
        if (served?.event === event && served.session === session) return;
        const jpeg = await this.#fetch(topic, event);
        served = { event, session };
        if (jpeg && this.#wanted.get(topic) === event)
          await session.publish(topic, jpeg, true).catch((error) => {
            if (!(error instanceof BrokerError)) throw error;
          });
      }
    } finally {
      this.#busy.delete(topic);
    }
  }

  /** Undefined when there is no picture, or another one is requested meanwhile. */
  async #fetch(topic: string, event: string): Promise<Uint8Array | undefined> {
    for (const waitMs of [...retryAfterMs, undefined]) {
      try {
        const { jpeg } = await this.#limit.run(() =>
          this.#client.events.snapshot(event, { signal: this.#stop }),
        );
        return jpeg;
      } catch (error) {
        const { code } = SightlineError.from(error);
        if (waitMs === undefined || this.#stop.aborted) {
          this.#log.debug({ event, code }, "an event's picture cannot be fetched");
          return undefined;
        }
        await pause(waitMs, this.#stop);
      }
      if (this.#wanted.get(topic) !== event) return undefined;
    }
    return undefined;
  }
}
