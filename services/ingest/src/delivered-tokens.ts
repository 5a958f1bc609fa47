import type { JetStreamManager } from "@nats-io/jetstream";
import { readyConsumer, streams } from "@sightline/contracts";
import { findConsumer } from "@sightline/service";

/** What NATS has said is good for so long. */
const freshMs = 200;

/** Up to which token workers have been given theirs, by model. NATS is asked once for all cameras of a process, and only when one wants to know. */
export class DeliveredTokens {
  readonly #manager: JetStreamManager;
  readonly #looks = new Map<string, { at: number; sequence: Promise<number> }>();

  constructor(manager: JetStreamManager) {
    this.#manager = manager;
  }

  /** Sequence, in the stream of tokens, of the newest that a worker of this model was given; 0 when there is none. @throws when NATS does not answer */
  upTo(model: string): Promise<number> {
    const known = this.#looks.get(model);
    if (known && performance.now() - known.at < freshMs) return known.sequence;
    const sequence = this.#ask(model);
    this.#looks.set(model, { at: performance.now(), sequence });
    return sequence;
  }

  async #ask(model: string): Promise<number> {
    const consumer = await findConsumer(this.#manager, streams.ready, readyConsumer(model).durable_name);
    return consumer?.delivered.stream_seq ?? 0;
  }
}
