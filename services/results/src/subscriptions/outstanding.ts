import type { NatsConnection, Subscription } from "@nats-io/transport-node";

const sweepMs = 500;
/** After a message's deadline JetStream needs a moment to deliver it to another reader. */
const graceMs = 250;
/** The time that JetStream is given to take back a message. */
const returnMs = 25;

/**
 * The messages that one reader has been given and not answered for yet. Acknowledgements may be made through any results
 * service, so they are heard where they go: on their way to JetStream.
 */
export class Outstanding {
  readonly #ackWaitMs: number;
  readonly #onFreed: () => void;
  readonly #heard: Subscription;
  readonly #sweeper: NodeJS.Timeout;
  /** Acknowledgement subject → when it was given out, monotonic. */
  readonly #given = new Map<string, number>();

  /** `onFreed` is called when there is room for more. */
  constructor(
    connection: NatsConnection,
    place: { stream: string; consumer: string },
    ackWaitMs: number,
    onFreed: () => void,
  ) {
    this.#ackWaitMs = ackWaitMs;
    this.#onFreed = onFreed;
    this.#heard = connection.subscribe(`$JS.ACK.${place.stream}.${place.consumer}.>`, {
      callback: (error, message) => {
        if (error || !this.#given.delete(message.subject)) return;
        // JetStream may hear of a message that is given back after it is asked for the next, which would then overtake it.
        if (message.string().startsWith("-NAK")) setTimeout(onFreed, returnMs);
        else onFreed();
      },
    });
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
  }

  get size(): number {
    return this.#given.size;
  }

  add(ackSubject: string): void {
    this.#given.set(ackSubject, performance.now());
  }

  /** Ends the account and returns what was never answered for. */
  stop(): string[] {
    this.#heard.unsubscribe();
    clearInterval(this.#sweeper);
    const left = [...this.#given.keys()];
    this.#given.clear();
    return left;
  }

  #sweep(): void {
    const oldest = performance.now() - this.#ackWaitMs - graceMs;
    let freed = false;
    for (const [subject, since] of this.#given) {
      if (since >= oldest) break;
      this.#given.delete(subject);
      freed = true;
    }
    if (freed) this.#onFreed();
  }
}
