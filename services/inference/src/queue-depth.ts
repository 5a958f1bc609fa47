import type { JetStreamManager } from "@nats-io/jetstream";
import { readyConsumer, streams } from "@sightline/contracts";

const pollMs = 2_000;

/** How many tokens of a model wait for a worker; undefined when NATS does not answer. */
export async function waitingTokens(manager: JetStreamManager, model: string): Promise<number | undefined> {
  const { durable_name } = readyConsumer(model);
  const info = await manager.consumers.info(streams.ready, durable_name).catch(() => undefined);
  return info?.num_pending;
}

/** Checks regularly how many tokens of each model wait for a worker. */
export class QueueDepths {
  readonly #manager: JetStreamManager;
  readonly #report: (model: string, tokens: number) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(manager: JetStreamManager, report: (model: string, tokens: number) => void) {
    this.#manager = manager;
    this.#report = report;
  }

  /** `models` returns the models to check. */
  start(models: () => readonly string[]): void {
    this.#timer = setInterval(() => {
      for (const model of models()) void this.#poll(model, models);
    }, pollMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  async #poll(model: string, models: () => readonly string[]): Promise<void> {
    // Without an answer the last value stays; /readyz reports that NATS cannot be reached.
    const tokens = await waitingTokens(this.#manager, model);
    if (tokens !== undefined && models().includes(model)) this.#report(model, tokens);
  }
}
