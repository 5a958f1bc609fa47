import { randomUUID } from "node:crypto";
import {
  type Consumer,
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamClient,
  type JsMsg,
  type OrderedConsumerOptions,
} from "@nats-io/jetstream";
import { TimeoutError } from "@nats-io/transport-node";
import { makeUntilAnswered } from "./asked-again.ts";
import { ServiceError } from "./errors.ts";
import type { Nats } from "./nats.ts";

/** Library statuses after which the consumer, or its stream, may be another one. */
const ends: ReadonlySet<string> = new Set([
  "consumer_deleted",
  "consumer_not_found",
  "stream_not_found",
  "heartbeats_missed",
  "no_responders",
  "reset",
]);
/** The server removes a consumer without pull requests for this long. */
const idleMs = 60_000;
const expiresMs = 30_000;

export interface StreamReadOptions {
  /**
   * Where to begin: after a sequence (0: with the first message), with the first message at or after a time, or with the newest message of
   * each subject.
   */
  readonly from: { readonly after: number } | { readonly time: Date } | "newest of each subject";
  /** Only messages of this subject, which may contain wildcards. */
  readonly subject?: string | undefined;
  /**
   * The last message to read: the iteration ends with it, or before it when the server has nothing more to send. Then it was removed, cannot
   * be read, or the stream is another one by now, and would be waited for in vain.
   */
  readonly until?: number;
  /** Most messages that may wait here; default: 256. */
  readonly prefetch?: number;
  /** A consumer that is silent for twice this long is lost; default: 1 s. */
  readonly heartbeatMs?: number;
  /** Called on each heartbeat that the server sends while it has no messages. */
  readonly onIdle?: () => void;
}

/**
 * Messages of a stream, in order and at the reader's speed, through a consumer of its own. The iteration ends when it is closed, when
 * `signal` aborts, when the server has lost the consumer (the stream may then be another one, so the reader checks it before continuing),
 * when messages were lost on the way, or at its last message.
 */
export class StreamRead implements AsyncIterable<JsMsg> {
  /** Number of messages still to deliver when reading began. */
  readonly pending: number;
  readonly #consumer: Consumer;
  readonly #messages: ConsumerMessages;
  readonly #after: number;
  readonly #until: number | undefined;
  readonly #signal: AbortSignal | undefined;
  #reading = false;
  /** Number of messages that the iteration has taken. */
  #taken = 0;
  readonly #abort = () => void this.close();

  private constructor(
    consumer: Consumer,
    messages: ConsumerMessages,
    { from, until, onIdle }: StreamReadOptions,
    pending: number,
    signal: AbortSignal | undefined,
  ) {
    this.#consumer = consumer;
    this.#messages = messages;
    this.#after = typeof from === "object" && "after" in from ? from.after : 0;
    this.#until = until;
    this.pending = pending;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#abort);
    if (signal?.aborted) this.#abort();
    void this.#closeWhenLost(onIdle);
  }

  /** @throws when NATS is away, or the stream does not exist */
  static async open(
    jetstream: JetStreamClient,
    stream: string,
    options: StreamReadOptions,
    signal?: AbortSignal,
  ): Promise<StreamRead> {
    const { from, subject, prefetch = 256, heartbeatMs = 1_000 } = options;
    const consumer = await makeUntilAnswered(
      () =>
        makeConsumer(jetstream, stream, {
          ...beginning(from),
          ...(subject !== undefined && { filter_subjects: subject }),
          inactive_threshold: idleMs,
        }),
      (unwanted) => void unwanted.delete().catch(() => false),
    );
    const messages = await consumer.consume({
      max_messages: prefetch,
      expires: expiresMs,
      idle_heartbeat: heartbeatMs,
    });
    const { num_pending: pending } = await consumer.info(true);
    return new StreamRead(consumer, messages, options, pending, signal);
  }

  /** Ends the reading; messages that were not taken are dropped. */
  async close(): Promise<void> {
    const closed = this.#messages.close();
    // Without a reader the iteration never ends.
    if (this.#reading) await closed;
  }

  /** The library would create a lost consumer again by itself, but without checking what happened to the stream. */
  async #closeWhenLost(onIdle: (() => void) | undefined): Promise<void> {
    for await (const status of this.#messages.status()) {
      if (ends.has(status.type)) return this.close();
      if (status.type !== "heartbeat") continue;
      // What was sent just as the connection broke never arrives: the server counts it as delivered.
      const received = this.#messages.getReceived();
      if (received < status.lastConsumerSequence) return this.close();
      if (this.#until !== undefined && this.#taken === received) return this.close();
      onIdle?.();
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JsMsg, void, void> {
    this.#reading = true;
    try {
      let last = this.#after;
      for await (const message of this.#messages) {
        if (this.#signal?.aborted) return;
        this.#taken += 1;
        if (message.seq <= last) continue;
        last = message.seq;
        yield message;
        if (this.#until !== undefined && last >= this.#until) return;
      }
    } finally {
      this.#signal?.removeEventListener("abort", this.#abort);
      void this.close();
      void this.#consumer.delete().catch(() => false);
    }
  }
}

/**
 * The messages that `options` describe, up to `until`, the sequence of the last one; none when `from` is not before it.
 * @throws ServiceError no_answer when the reading ends before; the reason of `signal` when that aborts; when NATS is away
 */
export async function* readUntil(
  { jetstream }: Pick<Nats, "jetstream">,
  stream: string,
  options: StreamReadOptions & { until: number },
  signal?: AbortSignal,
): AsyncGenerator<JsMsg, void, void> {
  signal?.throwIfAborted();
  const { from, until } = options;
  let read = typeof from === "object" && "after" in from ? from.after : 0;
  if (read >= until) return;
  for await (const message of await StreamRead.open(jetstream, stream, options, signal)) {
    read = message.seq;
    yield message;
  }
  signal?.throwIfAborted();
  if (read < until) throw new ServiceError("no_answer", `the stream ${stream} could not be read to its end`);
}

/**
 * Creates a consumer on one server of a cluster; if that server is frozen, the next attempt may use another. A server that was
 * only slow creates the consumer after the request has timed out, and would keep it for a minute: it is deleted.
 */
async function makeConsumer(
  jetstream: JetStreamClient,
  stream: string,
  options: Partial<OrderedConsumerOptions>,
): Promise<Consumer> {
  const prefix = `read_${randomUUID()}`;
  try {
    return await jetstream.consumers.get(stream, { ...options, name_prefix: prefix });
  } catch (error) {
    // The library adds the number to the prefix.
    if (error instanceof TimeoutError) void forget(jetstream, stream, `${prefix}_1`);
    throw error;
  }
}

async function forget(jetstream: JetStreamClient, stream: string, consumer: string): Promise<void> {
  const manager = await jetstream.jetstreamManager(false);
  await manager.consumers.delete(stream, consumer).catch(() => false);
}

function beginning(from: StreamReadOptions["from"]): Partial<OrderedConsumerOptions> {
  if (from === "newest of each subject") return { deliver_policy: DeliverPolicy.LastPerSubject };
  if ("time" in from)
    return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: from.time.toISOString() };
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.after + 1 };
}
