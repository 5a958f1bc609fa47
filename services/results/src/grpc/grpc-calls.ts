import { once } from "node:events";
import {
  type handleUnaryCall,
  Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from "@grpc/grpc-js";
import type { Logger } from "@sightline/service";
import { decodedRequest } from "./decoded-request.ts";
import { ApiError, toStatus } from "./errors.ts";

/** Response header with the cursor at which a stream begins, if it is one with cursors. */
const cursorHeader = "sightline-cursor";

/** Is told how each call ended. */
export type CallObserver = (method: string, code: string) => void;

/** Turns service methods into gRPC handlers: the one place where errors become statuses. */
export class GrpcCalls {
  readonly #log: Logger;
  readonly #observe: CallObserver;
  /** Ends each open stream. */
  readonly #streams = new Set<(error: unknown) => void>();

  constructor(log: Logger, observe: CallObserver) {
    this.#log = log;
    this.#observe = observe;
  }

  /** Ends every open stream with UNAVAILABLE. */
  endStreams(): void {
    for (const end of [...this.#streams])
      end(new ApiError("stopping", "the server is stopping; call again when it is back"));
  }

  /** A call that has one answer. The signal aborts when the caller does not want it any more. */
  unary<Request, Response>(
    method: string,
    run: (request: Request, signal: AbortSignal) => Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return (call: ServerUnaryCall<Request, Response>, callback) => {
      const abort = new AbortController();
      call.on("cancelled", () => abort.abort());
      const answer = async () => run(decodedRequest(call.request), abort.signal);
      answer().then(
        (response) => {
          this.#observe(method, call.cancelled ? "CANCELLED" : "OK");
          callback(null, response);
        },
        (error) => {
          const outcome = toStatus(error, this.#log);
          this.#observe(method, status[outcome.code]);
          callback(outcome);
        },
      );
    };
  }

  /**
   * A call that is answered by what `produce` makes, each when the client has room for it. The signal aborts when the caller does
   * not want it any more or the server stops.
   */
  send<Request, Response>(
    method: string,
    call: ServerWritableStream<Request, Response>,
    produce: (request: Request, signal: AbortSignal) => AsyncIterable<Response>,
  ): void {
    const abort = new AbortController();
    const end = (error: unknown) => abort.abort(error);
    this.#streams.add(end);
    call.once("cancelled", () => abort.abort());
    const run = async () => {
      for await (const response of produce(decodedRequest(call.request), abort.signal)) {
        if (!call.write(response)) await once(call, "drain", { signal: abort.signal });
      }
      abort.signal.throwIfAborted();
    };
    run()
      .then(
        () => {
          this.#observe(method, "OK");
          call.end();
        },
        (error) => {
          if (call.cancelled) return this.#observe(method, "CANCELLED");
          const outcome = toStatus(abort.signal.aborted ? abort.signal.reason : error, this.#log);
          this.#observe(method, status[outcome.code]);
          call.emit("error", outcome);
        },
      )
      .finally(() => this.#streams.delete(end));
  }

  /** A call that is answered by a stream, until the caller cancels it or the server stops. */
  stream<Request, Response>(
    method: string,
    call: ServerWritableStream<Request, Response>,
    open: () => { drained(): void; stop(): void; cursor?: string },
  ): void {
    let opened: ReturnType<typeof open> | undefined;
    let ended = false;
    const finish = (code: string) => {
      ended = true;
      opened?.stop();
      this.#streams.delete(end);
      this.#observe(method, code);
    };
    const end = (error: unknown) => {
      if (ended) return;
      const outcome = toStatus(error, this.#log);
      finish(status[outcome.code]);
      call.emit("error", outcome);
    };
    call.on("cancelled", () => {
      if (!ended) finish("CANCELLED");
    });
    this.#streams.add(end);
    try {
      decodedRequest(call.request);
      opened = open();
      // Tells the client that it will miss nothing from here on, and where that is.
      const headers = new Metadata();
      if (opened.cursor) headers.set(cursorHeader, opened.cursor);
      call.sendMetadata(headers);
      call.on("drain", () => opened?.drained());
    } catch (error) {
      end(error);
    }
  }
}
