import type { NatsConnection, Subscription } from "@nats-io/transport-node";

const sweepMs = 500;
/** After a message's deadline JetStream needs a moment to deliver it to another reader. */
const graceMs = 250;
/** How long JetStream may take to return a message to its queue. */
const returnMs = 25;

/**
 * The messages that one reader has been given and has not acknowledged yet. Acknowledgements may go through any results service, so they
 * are observed on their way to JetStream.
 */
export class Outstanding {
  readonly #ackWaitMs: number;
  readonly #onFreed: () => void;
  readonly #heard: Subscription;
  readonly #sweeper: NodeJS.Timeout;
  /** Acknowledgement subject → when the message was given, monotonic. */
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
        // JetStream may process a returned message after the request for the next one, which would then overtake it.
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

  /** Stops counting and returns the messages that were never acknowledged. */
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
