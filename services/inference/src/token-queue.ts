import type { JetStreamManager } from "@nats-io/jetstream";
import { readyConsumer, readyStream, streams } from "@sightline/contracts";
import {
  ensureConsumer,
  ensureStream,
  isJetStreamFailure,
  type Logger,
  type SetBacks,
} from "@sightline/service";

/** The work queue of one model's tokens: the stream, and the consumer that the model's workers share. */
export class TokenQueue {
  readonly #manager: JetStreamManager;
  readonly #model: string;
  readonly #replicas: number;
  readonly #setBacks: Pick<SetBacks, "note">;
  readonly #log: Logger;

  constructor(
    manager: JetStreamManager,
    model: string,
    replicas: number,
    setBacks: Pick<SetBacks, "note">,
    log: Logger,
  ) {
    this.#setBacks = setBacks;
    this.#manager = manager;
    this.#model = model;
    this.#replicas = replicas;
    this.#log = log;
  }

  /**
   * Makes sure that tokens can be taken.
   * @throws when NATS does not answer
   */
  async provision(): Promise<void> {
    try {
      await this.#ensureConsumer();
    } catch (error) {
      if (!isJetStreamFailure(error, "streamNotFound")) throw error;
      await ensureStream(this.#manager, readyStream(this.#replicas));
      await this.#ensureConsumer();
    }
  }

  async #ensureConsumer(): Promise<void> {
    const outcome = await ensureConsumer(this.#manager, streams.ready, readyConsumer(this.#model));
    if (outcome !== "remade") return;
    this.#setBacks.note(streams.ready);
    this.#log.warn(
      { stream: streams.ready },
      "NATS has lost the newest tokens; the consumer was created again and takes new tokens",
    );
  }
}
