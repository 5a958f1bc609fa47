import {
  type CallOptions,
  type Client,
  type ClientReadableStream,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { SightlineError } from "./errors.ts";

/** Time a call that has one answer may take, in milliseconds. */
const unaryDeadlineMs = 10_000;

/** A method of a generated client that has one answer. */
type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** Runs a call that has one answer. @throws SightlineError, CANCELLED when `signal` aborts */
export async function unary<Request, Response>(
  client: Client,
  method: UnaryMethod<Request, Response>,
  request: Request,
  signal: AbortSignal | undefined,
): Promise<Response> {
  if (signal?.aborted) throw new SightlineError("CANCELLED", "aborted before the call");
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const call = method.call(
    client,
    request,
    new Metadata(),
    { deadline: Date.now() + unaryDeadlineMs },
    (error, response) => (error ? reject(SightlineError.from(error)) : resolve(response)),
  );
  const cancel = () => call.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    return await promise;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

/** Makes the connections of streams: each has its own. */
export interface StreamConnections<C extends Client> {
  open: () => C;
  /** Aborts when all are to end. */
  closing: AbortSignal;
}

/** What a caller may want of a stream. */
export interface StreamOptions {
  /** Ends the iteration without an error. */
  signal?: AbortSignal;
  /** Is called when the server has taken the call. */
  onOpen?: () => void;
}

/**
 * Iterates over a stream of answers until the server ends it. An abort, or leaving the loop, cancels the call and
 * ends the iteration without an error. The stream is read only as fast as the loop asks. @throws SightlineError
 */
export async function* stream<C extends Client, Response>(
  connections: StreamConnections<C>,
  start: (client: C) => ClientReadableStream<Response>,
  options: StreamOptions,
): AsyncGenerator<Response, void> {
  const signal = AbortSignal.any([connections.closing, ...(options.signal ? [options.signal] : [])]);
  if (signal.aborted) return;
  const client = connections.open();
  const call = start(client);
  if (options.onOpen) call.once("metadata", options.onOpen);
  const cancel = () => call.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for await (const response of call) {
      if (signal.aborted) return;
      yield response as Response;
    }
  } catch (error) {
    if (!signal.aborted) throw SightlineError.from(error);
  } finally {
    signal.removeEventListener("abort", cancel);
    // The cancelled call still reports its end; there is nobody left to tell.
    call.on("error", () => undefined);
    call.cancel();
    client.close();
  }
}
