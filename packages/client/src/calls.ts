import {
  type CallOptions,
  type Client,
  type ClientReadableStream,
  type ClientUnaryCall,
  connectivityState,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { type AbortSources, isAborted, onAbort } from "./abort.ts";
import { SightlineError } from "./errors.ts";

/** Time limit of a call with a single answer, in milliseconds. */
const unaryDeadlineMs = 10_000;

/** Options of a call with a single answer. */
export interface CallSettings {
  /** Ends the call with the error CANCELLED. */
  signal?: AbortSignal;
}

/** For calls that take class names. */
export interface UncheckedClasses {
  /** Called with class names that were accepted without a check, because no worker serves the camera's model now. */
  onUncheckedClasses?: ((classes: readonly string[]) => void) | undefined;
}

/** For calls that change cameras. */
export interface Warnings {
  /**
   * Called with warnings about a camera that was accepted, in words: that the cameras ask for more frames than the workers can run, or that a floor
   * could not be checked.
   */
  onWarnings?: ((warnings: readonly string[]) => void) | undefined;
}

/** Reports the class names that an answer marks as unchecked, if any. */
export function tellUnchecked({ onUncheckedClasses }: UncheckedClasses, classes: readonly string[]): void {
  if (classes.length > 0) onUncheckedClasses?.(classes);
}

/** A method of a generated client that has a single answer. */
export type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** Runs a call with a single answer. @throws SightlineError, CANCELLED when one of `sources` aborts */
export async function unary<Request, Response>(
  client: Client,
  method: UnaryMethod<Request, Response>,
  request: Request,
  sources: AbortSources,
  deadlineMs = unaryDeadlineMs,
): Promise<Response> {
  if (isAborted(sources)) throw new SightlineError("CANCELLED", "aborted before the call");
  let release: (() => void) | undefined;
  try {
    return await new Promise<Response>((resolve, reject) => {
      const deadline = Date.now() + deadlineMs;
      const call = method.call(client, request, new Metadata(), { deadline }, (error, response) =>
        error ? reject(SightlineError.from(error)) : resolve(response),
      );
      release = onAbort(sources, () => call.cancel());
    });
  } finally {
    release?.();
  }
}

/** Options for reading a stream. */
export interface StreamSettings {
  /** Any of them ends the iteration without an error. */
  sources: AbortSources;
  /** Called with the response headers when the server has accepted the call. */
  onHeaders?: (headers: Metadata) => void;
  /**
   * If the server has not accepted the connection after this time, in milliseconds, the call fails with UNAVAILABLE; without a value it
   * waits.
   */
  connectMs?: number | undefined;
}

/**
 * Iterates over a stream of answers, on a connection of its own, until the server ends it. An abort, or leaving the loop,
 * cancels the call and ends the iteration without an error. The stream is read only as fast as the loop asks.
 * @throws SightlineError
 */
export async function* stream<C extends Client, Response>(
  open: () => C,
  start: (client: C) => ClientReadableStream<Response>,
  { sources, onHeaders, connectMs }: StreamSettings,
): AsyncGenerator<Response, void> {
  if (isAborted(sources)) return;
  const client = open();
  const call = start(client);
  if (onHeaders) call.once("metadata", onHeaders);
  const release = onAbort(sources, () => call.cancel());
  // Keepalive only watches an existing connection; a connection that is being opened has no time limit of its own.
  const giveUpConnecting = () => {
    if (client.getChannel().getConnectivityState(false) !== connectivityState.READY)
      call.destroy(new SightlineError("UNAVAILABLE", "the server does not take the connection"));
  };
  const limit = connectMs === undefined ? undefined : setTimeout(giveUpConnecting, connectMs);
  try {
    for await (const response of call) {
      if (isAborted(sources)) return;
      yield response as Response;
    }
  } catch (error) {
    if (!isAborted(sources)) throw SightlineError.from(error);
  } finally {
    clearTimeout(limit);
    release();
    // The cancelled call still emits its end as an error; nobody needs it any more.
    call.on("error", () => undefined);
    call.cancel();
    client.close();
  }
}

/** Iterates over the pages of a List method, from the first to the last. */
export async function* pages<Request, Page extends { nextPageToken: string }>(
  request: Request,
  list: (request: Request & { pageToken: string }) => Promise<Page>,
): AsyncGenerator<Page, void> {
  let pageToken = "";
  do {
    const page = await list({ ...request, pageToken });
    yield page;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}
