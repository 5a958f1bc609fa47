import { AckPolicy, type Consumer, type ConsumerConfig, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import {
  findLoss,
  type Nats,
  placeBefore,
  type StreamPlace,
  streamBeginning,
  streamEnd,
  streamMaking,
  TaskLimit,
} from "@sightline/service";
import { type StreamIdentity, streamIdentity } from "./cursor.ts";

/** How long a consumer stays after its last use. */
const idleNanoseconds = 30 * 1_000_000_000;
const fetchTimeoutMs = 5_000;
/** Most reads at the same time: their messages are all in memory. */
const maxReads = 4;

/** What a stream now holds. */
export interface StreamState {
  identity: StreamIdentity;
  /** Sequence of the oldest message; `last` + 1 when there is none. */
  first: number;
  /** Sequence of the newest message ever stored. */
  last: number;
  /** When the oldest was stored; undefined when there is none. */
  firstTime: number | undefined;
  /** The places before the oldest and after the newest message. */
  beginning: StreamPlace;
  end: StreamPlace;
}

/** A stream's stored messages, for callers that need more than the newest. Every method throws when NATS is away. */
export class StoredMessages {
  readonly stream: string;
  readonly #nats: Nats;
  readonly #reads = new TaskLimit(maxReads);

  constructor(nats: Nats, stream: string) {
    this.#nats = nats;
    this.stream = stream;
  }

  async state(): Promise<StreamState> {
    const info = await this.#nats.manager.streams.info(this.stream);
    const { state } = info;
    return {
      identity: streamIdentity(this.stream, streamMaking(info)),
      first: state.messages > 0 ? state.first_seq : state.last_seq + 1,
      last: state.last_seq,
      firstTime: state.messages > 0 ? Date.parse(state.first_ts) : undefined,
      beginning: streamBeginning(state),
      end: streamEnd(state),
    };
  }

  /** The place before the first message stored at or after this time, in milliseconds; after the last message when there is none. */
  before(time: number): Promise<StreamPlace> {
    return placeBefore(this.#nats.manager, this.stream, BigInt(Math.floor(time)) * 1_000_000n);
  }

  /** Where to continue if NATS has lost what was before a place; undefined when it has not. */
  async loss(place: StreamPlace): Promise<StreamPlace | undefined> {
    const { manager } = this.#nats;
    const { state } = await manager.streams.info(this.stream);
    return findLoss(manager, this.stream, state, place);
  }

  /** Messages after a position, of one subject or all; nothing is requested from NATS before the first read. */
  after(position: number, subject?: string): StoredRange {
    return new StoredRange(this.#nats, this.stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: position + 1,
      ...(subject !== undefined && { filter_subject: subject }),
    });
  }

  /** The last message of each matching subject, as of the first read. */
  lastOfEach(subject: string): StoredRange {
    return new StoredRange(this.#nats, this.stream, {
      deliver_policy: DeliverPolicy.LastPerSubject,
      filter_subject: subject,
    });
  }

  /** The last message of a subject; undefined when there is none. */
  async last(subject: string): Promise<Uint8Array | undefined> {
    const message = await this.#nats.manager.direct.getMessage(this.stream, { last_by_subj: subject });
    return message?.data;
  }

  /** Runs a read in its turn. */
  async inTurn<R>(read: () => Promise<R>): Promise<R> {
    return this.#reads.run(read);
  }
}

/** Reads through a short-lived consumer, which the server removes by itself when it is idle. */
export class StoredRange {
  readonly #nats: Nats;
  readonly #stream: string;
  readonly #config: Partial<ConsumerConfig>;
  #consumer: Consumer | undefined;
  #pending = 0;

  constructor(nats: Nats, stream: string, config: Partial<ConsumerConfig>) {
    this.#nats = nats;
    this.#stream = stream;
    this.#config = config;
  }

  /** The next messages, at most `most`; empty when there are no more. @throws when the consumer is lost */
  async read(most: number): Promise<JsMsg[]> {
    const consumer = await this.#open();
    const count = Math.min(most, this.#pending);
    if (count === 0) return [];
    const messages: JsMsg[] = [];
    for await (const message of await consumer.fetch({ max_messages: count, expires: fetchTimeoutMs })) {
      messages.push(message);
      this.#pending = message.info.pending;
    }
    if (messages.length === 0) throw new Error(`the consumer of ${this.#stream} does not deliver`);
    return messages;
  }

  /** Removes the consumer; on a failure the server does it later. */
  close(): void {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    void consumer?.delete().catch(() => undefined);
  }

  async #open(): Promise<Consumer> {
    if (this.#consumer) return this.#consumer;
    const info = await this.#nats.manager.consumers.add(this.#stream, {
      ...this.#config,
      ack_policy: AckPolicy.None,
      inactive_threshold: idleNanoseconds,
      mem_storage: true,
      num_replicas: 1,
    });
    this.#pending = info.num_pending;
    this.#consumer = this.#nats.jetstream.consumers.getConsumerFromInfo(info);
    return this.#consumer;
  }
}
