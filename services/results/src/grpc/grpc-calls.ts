import { once } from "node:events";
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from "@grpc/grpc-js";
import type { Logger } from "@sightline/service";
import type { RpcName } from "../access/access-table.ts";
import { ApiError } from "../errors.ts";
import { type AdmittedCaller, type CallAccess, type Caller, GrpcGuard } from "./grpc-guard.ts";
import { toStatus } from "./grpc-status.ts";

/** Response header with the cursor at which a stream begins, if it has cursors. */
const cursorHeader = "sightline-cursor";

/** Called with the result of each call. */
export type CallObserver = (method: string, code: string) => void;

/** An open stream. */
interface OpenStream {
  drained(): void;
  stop(): void;
  cursor?: string;
}

/** Turns service methods into gRPC handlers: the only place where calls are admitted (by the guard) and errors become statuses. */
export class GrpcCalls {
  readonly #access: CallAccess;
  readonly #guard: GrpcGuard;
  readonly #log: Logger;
  readonly #observe: CallObserver;
  /** Functions that end the open streams. */
  readonly #streams = new Set<(error: unknown) => void>();
  /** The method that each handler was created for. */
  readonly #made = new WeakMap<object, RpcName>();

  constructor(access: CallAccess, log: Logger, observe: CallObserver) {
    this.#access = access;
    this.#guard = new GrpcGuard(access);
    this.#log = log;
    this.#observe = observe;
  }

  /** Ends every open stream with UNAVAILABLE. */
  endStreams(): void {
    for (const end of [...this.#streams])
      end(new ApiError("stopping", "the server is stopping; call again when it is back"));
  }

  /** The method that a handler was created for here; undefined for a foreign handler, which would admit anybody. */
  madeFor(handler: object): RpcName | undefined {
    return this.#made.get(handler);
  }

  /** A unary call. */
  unary<Request, Response>(
    method: RpcName,
    run: (request: Request, caller: Caller) => Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return this.#mark(method, (call: ServerUnaryCall<Request, Response>, callback) => {
      const abort = new AbortController();
      call.on("cancelled", () => abort.abort());
      this.#guard
        .letIn(method, call, (caller) => run(call.request, { ...caller, signal: abort.signal }))
        .then(
          (response) => {
            this.#observe(method, call.cancelled ? "CANCELLED" : "OK");
            callback(null, response);
          },
          (error) => {
            const outcome = this.#statusOf(error);
            this.#observe(method, status[outcome.code]);
            callback(outcome);
          },
        );
    });
  }

  /** A call answered with the messages of `produce`, each sent when the client can take it. */
  send<Request, Response>(
    method: RpcName,
    produce: (request: Request, caller: Caller) => AsyncIterable<Response>,
  ): handleServerStreamingCall<Request, Response> {
    return this.#mark(method, (call: ServerWritableStream<Request, Response>) => {
      const abort = new AbortController();
      const end = (error: unknown) => abort.abort(error);
      this.#streams.add(end);
      call.once("cancelled", () => abort.abort());
      let off: (() => void) | undefined;
      let release: (() => void) | undefined;
      this.#guard
        .letIn(method, call, async (caller) => {
          release = this.#access.limits?.open(caller.principal);
          off = caller.principal?.onEnd(end);
          for await (const response of produce(call.request, { ...caller, signal: abort.signal })) {
            if (!call.write(response)) await once(call, "drain", { signal: abort.signal });
          }
          abort.signal.throwIfAborted();
        })
        .then(
          () => {
            this.#observe(method, "OK");
            call.end();
          },
          (error) => {
            if (call.cancelled) return this.#observe(method, "CANCELLED");
            const outcome = this.#statusOf(abort.signal.aborted ? abort.signal.reason : error);
            this.#observe(method, status[outcome.code]);
            call.emit("error", outcome);
          },
        )
        .finally(() => {
          off?.();
          release?.();
          this.#streams.delete(end);
        });
    });
  }

  /** A call answered by a stream until the caller cancels it or loses permission, or the server stops. */
  stream<Request, Response>(
    method: RpcName,
    open: (call: ServerWritableStream<Request, Response>, caller: AdmittedCaller) => OpenStream,
  ): handleServerStreamingCall<Request, Response> {
    return this.#mark(method, (call: ServerWritableStream<Request, Response>) => {
      let opened: OpenStream | undefined;
      let ended = false;
      let off: (() => void) | undefined;
      let release: (() => void) | undefined;
      const finish = (code: string) => {
        ended = true;
        off?.();
        release?.();
        opened?.stop();
        this.#streams.delete(end);
        this.#observe(method, code);
      };
      const end = (error: unknown) => {
        if (ended) return;
        const outcome = this.#statusOf(error);
        finish(status[outcome.code]);
        call.emit("error", outcome);
      };
      call.on("cancelled", () => {
        if (!ended) finish("CANCELLED");
      });
      this.#streams.add(end);
      this.#guard
        .letIn(method, call, async (caller) => {
          if (ended) return;
          release = this.#access.limits?.open(caller.principal);
          opened = open(call, caller);
          // Tells the client the place from which it misses nothing.
          const headers = new Metadata();
          if (opened.cursor) headers.set(cursorHeader, opened.cursor);
          call.sendMetadata(headers);
          call.on("drain", () => opened?.drained());
          off = caller.principal?.onEnd(end);
        })
        .catch(end);
    });
  }

  #statusOf(error: unknown): ReturnType<typeof toStatus> {
    this.#access.limits?.observe(error);
    return toStatus(error, this.#log);
  }

  #mark<Handler extends object>(method: RpcName, handler: Handler): Handler {
    this.#made.set(handler, method);
    return handler;
  }
}
