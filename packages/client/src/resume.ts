import type { Client, ClientReadableStream, Metadata } from "@grpc/grpc-js";
import { Backoff } from "@sightline/contracts";
import { isAborted, pause } from "./abort.ts";
import type { ClientType, Connection } from "./connection.ts";
import { isPassing, SightlineError } from "./errors.ts";

/** How long to wait before the server is tried again. */
export const retryRange = { firstMs: 100, mostMs: 5_000 };

/** How a subscription fares. */
export type SubscriptionStatus =
  | { state: "connecting" }
  /** The server has the subscription. */
  | { state: "connected" }
  /** The connection is lost, or could not be made; the next attempt comes after `retryInMs`. */
  | { state: "waiting"; reason: SightlineError; retryInMs: number };

/** What a caller may want of a subscription. */
export interface SubscribeOptions {
  /** Ends the iteration without an error. */
  signal?: AbortSignal;
  /** Is called when the server has taken the subscription, after each connection: what is made from then on will come. */
  onOpen?: () => void;
  /** Is told how the subscription fares. */
  onStatus?: (status: SubscriptionStatus) => void;
  /** Whether to connect again after a failure that passes; true unless given. If false, such a failure is thrown. */
  reconnect?: boolean;
}

/** Asks for messages about progress too. */
export interface WithProgress {
  /** Whether the loop is given them; they let a program that stores cursors go on from a recent one, however rarely its filter matches. */
  progress: true;
}

/** Now and then, when nothing else came for some seconds: nothing that passes the filter is before this cursor. */
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
    await pause(retryInMs, sources);
  }
}
