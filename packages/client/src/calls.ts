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

/** Time a call that has one answer may take, in milliseconds. */
const unaryDeadlineMs = 10_000;

/** What a caller may want of a call that has one answer. */
export interface CallSettings {
  /** Ends the call with the error CANCELLED. */
  signal?: AbortSignal;
}

/** For calls that take class names. */
export interface UncheckedClasses {
  /** Told of class names that were taken without a check, since no worker serves the camera's model now. */
  onUncheckedClasses?: ((classes: readonly string[]) => void) | undefined;
}

/** For calls that change cameras. */
export interface Warnings {
  /**
   * Told, in words, what the caller should know of a camera that was taken: that the cameras ask for more frames than the workers can run, or that a
   * floor could not be checked.
   */
  onWarnings?: ((warnings: readonly string[]) => void) | undefined;
}

/** Tells of class names that an answer says were not checked, if any. */
export function tellUnchecked({ onUncheckedClasses }: UncheckedClasses, classes: readonly string[]): void {
  if (classes.length > 0) onUncheckedClasses?.(classes);
}

/** A method of a generated client that has one answer. */
export type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** Runs a call that has one answer. @throws SightlineError, CANCELLED when one of `sources` aborts */
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

/** How one stream is read. */
export interface StreamSettings {
  /** Any of them ends the iteration without an error. */
  sources: AbortSources;
  /** Is called with the response headers, when the server has taken the call. */
  onHeaders?: (headers: Metadata) => void;
  /** A server that has not taken the connection after so long, in milliseconds, is given up as UNAVAILABLE; without it, it is waited for. */
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
  // Keepalive watches only a connection that is there: one that is being made has no limit of its own.
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
    // The cancelled call still reports its end; there is nobody left to tell.
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
