import type { JetStreamManager } from "@nats-io/jetstream";
import { readyConsumer, streams } from "@sightline/contracts";

const pollMs = 2_000;

/** Asks regularly how many tokens of a model wait for a worker. */
export class QueueDepth {
  readonly #manager: JetStreamManager;
  readonly #consumer: string;
  readonly #report: (tokens: number) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(manager: JetStreamManager, model: string, report: (tokens: number) => void) {
    this.#manager = manager;
    this.#consumer = readyConsumer(model).durable_name;
    this.#report = report;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#poll(), pollMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  async #poll(): Promise<void> {
    // Without an answer the last value stands; /readyz tells that NATS is away.
    const info = await this.#manager.consumers.info(streams.ready, this.#consumer).catch(() => undefined);
    if (info) this.#report(info.num_pending);
  }
}
