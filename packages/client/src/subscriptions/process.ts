import { SubscriptionServiceClient } from "@sightline/contracts/api";
import { onAbort } from "../abort.ts";
import type { Connection } from "../connection.ts";
import { SightlineError } from "../errors.ts";
import { Interruption, resuming, type SubscribeOptions } from "../resume.ts";
import type { MissingMessages } from "../start.ts";
import { Answers } from "./answers.ts";
import { Handlers } from "./handlers.ts";
import { type DeliveredMessage, type SubscriptionMessage, toMessage } from "./message.ts";

/** How to read a named subscription. */
export interface ConsumeOptions extends SubscribeOptions {
  /** At most this many messages are delivered to this reader and not acknowledged yet, 1-1000; default 100. */
  maxUnacknowledged?: number;
}

/** Reads the subscription of this resource name; `answers` are told what becomes of its messages. @throws SightlineError */
export async function* consume(
  connection: Connection,
  name: string,
  answers: Answers,
  options: ConsumeOptions,
): AsyncGenerator<SubscriptionMessage, void> {
  const request = { name, maxUnacknowledged: options.maxUnacknowledged ?? 0 };
  const responses = resuming(
    connection,
    { type: SubscriptionServiceClient, start: (client) => client.consume(request) },
    options,
  );
  for await (const response of responses) {
    // What this reader had and did not answer for is delivered again, to whoever is there.
    if (response instanceof Interruption) continue;
    const message = toMessage(response, answers);
    if (message) yield message;
  }
}

const leastUnacknowledged = 8;
const longestDelaySeconds = 60;

/** How to process messages. */
export interface ProcessOptions extends ConsumeOptions {
  /** Number of handlers that run at the same time; default 1. Handlers for the same camera always run one after another, in order. */
  concurrency?: number;
  /**
   * At most this many messages are delivered to this reader and not acknowledged yet; by default twice the concurrency, and at least 8. All of
   * them must be processed within the subscription's deadline, otherwise they are delivered again.
   */
  maxUnacknowledged?: number;
  /** If a handler throws: seconds until its message is delivered again; by default 1, 2, 4 and so on, up to 60. */
  retryDelaySeconds?: (deliveryAttempt: number) => number;
  /** Called with the error that a handler threw. */
  onFailure?: (error: unknown, message: DeliveredMessage) => void;
  /** Called if messages expired before this subscription could get them. */
  onGap?: (gap: MissingMessages) => void;
}

/** Calls a handler with each message of a subscription and answers for it. @throws SightlineError */
export async function processMessages(
  connection: Connection,
  name: string,
  handler: (message: DeliveredMessage) => Promise<void> | void,
  options: ProcessOptions,
): Promise<void> {
  const { concurrency = 1, signal } = options;
  if (!(Number.isInteger(concurrency) && concurrency >= 1))
    throw new SightlineError(
      "INVALID_ARGUMENT",
      `concurrency is ${concurrency}; expected a whole number from 1`,
    );
  const most = options.maxUnacknowledged ?? Math.max(leastUnacknowledged, 2 * concurrency);
  const answers = new Answers(connection, name);
  const handlers = new Handlers(concurrency, (message) => handle(message, handler, options));
  // The stream outlives the signal: when it ends, the server gives what was not answered for to other readers.
  const end = new AbortController();
  const messages = consume(connection, name, answers, {
    ...options,
    maxUnacknowledged: most,
    signal: end.signal,
  });
  const read = async () => {
    for await (const message of messages) {
      if (message.kind === "gap") options.onGap?.(message.gap);
      else handlers.add(message);
      await handlers.fewerThan(most);
    }
  };
  let release = () => {};
  const stopped = new Promise<void>((resolve) => {
    release = onAbort([signal], resolve);
  });
  const reading = signal?.aborted ? undefined : read();
  try {
    await Promise.race([reading, stopped]);
  } finally {
    release();
    await handlers.stop();
    await answers.settled();
    end.abort();
    await reading?.catch(() => undefined);
  }
}

async function handle(
  message: DeliveredMessage,
  handler: (message: DeliveredMessage) => Promise<void> | void,
  { retryDelaySeconds = growing, onFailure }: ProcessOptions,
): Promise<void> {
  try {
    await handler(message);
    void message.ack();
  } catch (error) {
    const delaySeconds = retryDelaySeconds(message.deliveryAttempt);
    void message.reject({ delaySeconds, reason: error instanceof Error ? error.message : String(error) });
    onFailure?.(error, message);
  }
}

function growing(deliveryAttempt: number): number {
  return Math.min(longestDelaySeconds, 2 ** (deliveryAttempt - 1));
}
