import type { Client, ClientReadableStream, Metadata } from "@grpc/grpc-js";
import { Backoff } from "@sightline/contracts";
import { isAborted, waitUnlessAborted } from "./abort.ts";
import type { ClientType, Connection } from "./connection.ts";
import { isPassing, SightlineError } from "./errors.ts";

/** How long to wait before the server is tried again. */
export const retryRange = { firstMs: 100, mostMs: 5_000 };

/** The state of a subscription. */
export type SubscriptionStatus =
  | { state: "connecting" }
  /** The server has the subscription. */
  | { state: "connected" }
  /** The connection is lost, or could not be made; the next attempt comes after `retryInMs`. */
  | { state: "waiting"; reason: SightlineError; retryInMs: number };

/** Options of a subscription. */
export interface SubscribeOptions {
  /** Ends the iteration without an error. */
  signal?: AbortSignal;
  /** Called after each connection, when the server has accepted the subscription: all messages made from then on will come. */
  onOpen?: () => void;
  /** Called with each change of the subscription's state. */
  onStatus?: (status: SubscriptionStatus) => void;
  /** Whether to reconnect after a temporary failure; default true. If false, such a failure is thrown. */
  reconnect?: boolean;
}

/** Asks for messages about progress too. */
export interface WithProgress {
  /** Whether the loop gets progress messages. With them, a program that stores cursors can continue from a recent one, even if its filter rarely matches. */
  progress: true;
}

/** Comes from time to time, if nothing else came for some seconds: up to this cursor nothing more passes the filter. */
export interface ProgressMessage {
  kind: "progress";
  cursor: string;
}

/** Said in place of what may have been missed: a connection that was there is lost. */
export class Interruption {
  readonly reason: SightlineError;

  constructor(reason: SightlineError) {
    this.reason = reason;
  }
}

/** A subscription that is made again and again. */
export interface Resumable<C extends Client, Response> {
  type: ClientType<C>;
  /** Starts the call; each time from where the reader stands. */
  start: (client: C) => ClientReadableStream<Response>;
  /** Is called with the response headers of each call. */
  onHeaders?: (headers: Metadata) => void;
}

/**
 * Iterates over the answers of one call after another. When one fails and may be made again, that is done after a while,
 * for as long as it takes; a connection that had been there is told of as lost. @throws SightlineError for all else
 */
export async function* resuming<C extends Client, Response>(
  connection: Connection,
  { type, start, onHeaders }: Resumable<C, Response>,
  { signal, onOpen, onStatus, reconnect = true }: SubscribeOptions,
): AsyncGenerator<Response | Interruption, void> {
  const sources = [connection.closing, signal];
  const backoff = new Backoff(retryRange);
  let everOpen = false;
  while (!isAborted(sources)) {
    let open = false;
    let failure: SightlineError;
    onStatus?.({ state: "connecting" });
    const { address } = connection;
    try {
      const answers = connection.stream(type, start, {
        sources,
        onHeaders(headers) {
          open = everOpen = true;
          onHeaders?.(headers);
          onOpen?.();
          onStatus?.({ state: "connected" });
        },
      });
      for await (const answer of answers) {
        backoff.reset();
        yield answer;
      }
      failure = new SightlineError("UNAVAILABLE", "the server ended the stream");
    } catch (error) {
      failure = SightlineError.from(error);
    }
    if (isAborted(sources)) return;
    if (!reconnect || !isPassing(failure, everOpen)) throw failure;
    connection.leave(address);
    if (open) yield new Interruption(failure);
    const retryInMs = backoff.fail();
    onStatus?.({ state: "waiting", reason: failure, retryInMs });
    await waitUnlessAborted(retryInMs, sources);
  }
}
