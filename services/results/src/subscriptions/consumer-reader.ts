import type { Msg } from "@nats-io/transport-node";
import {
  type AckSubject,
  type Logger,
  type Nats,
  PullRequests,
  parseAckSubject,
  type StreamPlace,
} from "@sightline/service";
import { Outstanding } from "./outstanding.ts";

/** What happens to a delivered message. */
export type Verdict =
  /** It was given to the reader, who will acknowledge or reject it. */
  | "given"
  /** The reader does not want it. */
  | "acknowledge"
  /** It can never be delivered. */
  | "terminate"
  /** Another reader gets it at once. */
  | "return"
  /** It is delivered again in a moment. */
  | "postpone";

export interface ConsumerReaderOptions {
  nats: Nats;
  stream: string;
  consumer: string;
  /** Most messages given to the reader and not yet acknowledged. */
  maxUnacknowledged: number;
  ackWaitMs: number;
  /**
   * Makes sure that the consumer exists and can deliver; `given` is the newest delivered message. Returns whether the consumer is another
   * one now.
   */
  provision: (given: StreamPlace | undefined) => Promise<boolean>;
  /** Handles one message at a time. */
  deliver: (message: Msg, ack: AckSubject) => Verdict | Promise<Verdict>;
  log: Logger;
}

const verbs: Record<Exclude<Verdict, "given">, string> = {
  acknowledge: "+ACK",
  terminate: "+TERM",
  return: "-NAK",
  postpone: `-NAK ${JSON.stringify({ delay: 1_000_000_000 })}`,
};

/** Reads a durable consumer for one of the readers that share it, and never holds more than allowed. */
export class ConsumerReader {
  readonly #options: ConsumerReaderOptions;
  readonly #pulls: PullRequests;
  readonly #outstanding: Outstanding;
  /** Delivered messages that wait for their turn. */
  readonly #waiting: Msg[] = [];
  #given: StreamPlace | undefined;
  #busy = false;
  #blocked = false;
  #stopped = false;

  constructor(options: ConsumerReaderOptions) {
    const { nats, stream, consumer, ackWaitMs } = options;
    this.#options = options;
    this.#outstanding = new Outstanding(nats.connection, { stream, consumer }, ackWaitMs, () => this.#ask());
    this.#pulls = new PullRequests({
      ...options,
      provision: async () => {
        if (await options.provision(this.#given)) this.#given = undefined;
      },
      onMessage: (message) => {
        this.#note(message);
        this.#waiting.push(message);
        void this.#work();
        return true;
      },
    });
    this.#ask();
  }

  /** While blocked, the reader gets nothing. */
  setBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    void this.#work();
  }

  /** Returns unacknowledged messages at once, so that another reader gets them. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#pulls.stop();
    const { nats } = this.#options;
    if (nats.connection.isClosed()) return;
    // The older first: they are delivered again in this order.
    for (const subject of this.#outstanding.stop()) nats.connection.publish(subject, verbs.return);
    for (const message of this.#waiting.splice(0)) message.respond(verbs.return);
  }

  #note({ reply }: Msg): void {
    const { streamSequence: sequence, storedNanos: time } = parseAckSubject(reply) ?? {};
    if (sequence !== undefined && time !== undefined && sequence > (this.#given?.sequence ?? 0))
      this.#given = { sequence, time };
  }

  #ask(): void {
    const held = this.#outstanding.size + this.#waiting.length;
    this.#pulls.demand(Math.max(0, this.#options.maxUnacknowledged - held));
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    while (!this.#stopped && !this.#blocked && this.#waiting.length > 0) {
      const message = this.#waiting.shift()!;
      this.#busy = true;
      const verdict = await this.#judge(message);
      this.#busy = false;
      if (verdict !== "given") message.respond(verbs[verdict]);
      this.#ask();
    }
  }

  async #judge(message: Msg): Promise<Verdict> {
    const { reply = "" } = message;
    const ack = parseAckSubject(reply);
    if (!ack) return "terminate";
    // Before it is given: its answer may arrive before the following lines run.
    this.#outstanding.add(reply);
    try {
      return await this.#options.deliver(message, ack);
    } catch (error) {
      this.#options.log.warn(
        { consumer: this.#options.consumer, err: error },
        "a message could not be dealt with; it will be delivered again",
      );
      return "postpone";
    }
  }
}
