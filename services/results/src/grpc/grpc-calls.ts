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
import { accessOfRpc, type RpcName } from "../access/access-table.ts";
import type { AuditTrail } from "../access/audit.ts";
import { auditOfRpc, describeCall } from "../access/audit-table.ts";
import { authenticate, type KnownIdentities } from "../access/authenticate.ts";
import type { CallLimits } from "../access/call-limits.ts";
import { allCameras, type CameraScope } from "../access/camera-scope.ts";
import { type CameraIds, forEyesOf, permitCamera, permitRole } from "../access/permit.ts";
import type { Principal } from "../access/principal.ts";
import type { TrustedProxies } from "../access/trusted-proxies.ts";
import { decodedRequest, isDecoded } from "./decoded-request.ts";
import { ApiError, grpcStatusOf, toStatus } from "./errors.ts";

/** Response header with the cursor at which a stream begins, if it is one with cursors. */
const cursorHeader = "sightline-cursor";
/** What tells that a call came through a proxy. */
const proxyHeaders = ["x-forwarded-for", "forwarded", "x-real-ip", "via"] as const;

/** How a call ends that was not allowed. */
const refusals: ReadonlySet<number> = new Set([
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.RESOURCE_EXHAUSTED,
]);

/** Is told how each call ended. */
export type CallObserver = (method: string, code: string) => void;

type AnyCall = ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>;

/** What calls are let in by. */
export interface CallAccess {
  identities: KnownIdentities;
  /** Ids of all cameras. */
  cameras: CameraIds;
  /** The user that a verified client certificate names, if the connection has one. */
  certificateUser?: (call: AnyCall) => string | undefined;
  /** Takes down what the table of audit names. */
  audit?: Pick<AuditTrail, "record">;
  /** By whom callers' addresses are told. */
  proxies?: TrustedProxies;
  /** How much one caller may ask. */
  limits?: CallLimits;
}

/** Who makes a call, which its method lets in. */
export interface Caller {
  /** Undefined when the method is for anyone, and the caller has not said who it is. */
  readonly principal: Principal | undefined;
  /** Cameras that it sees: all else is left out of answers. */
  readonly scope: CameraScope;
  /** Address of the caller, without port. */
  readonly address: string;
  /** Aborts when the caller does not want the answer any more, or may not have it, or the server stops. */
  readonly signal: AbortSignal;
}

/** An open stream. */
interface OpenStream {
  drained(): void;
  stop(): void;
  cursor?: string;
}

/**
 * Turns service methods into gRPC handlers: the one place where calls are let in, as the table of access says, and where
 * errors become statuses.
 */
export class GrpcCalls {
  readonly #access: CallAccess;
  readonly #log: Logger;
  readonly #observe: CallObserver;
  /** Ends each open stream. */
  readonly #streams = new Set<(error: unknown) => void>();
  /** The method that each handler was made for. */
  readonly #made = new WeakMap<object, RpcName>();

  constructor(access: CallAccess, log: Logger, observe: CallObserver) {
    this.#access = access;
    this.#log = log;
    this.#observe = observe;
  }

  /** Ends every open stream with UNAVAILABLE. */
  endStreams(): void {
    for (const end of [...this.#streams])
      end(new ApiError("stopping", "the server is stopping; call again when it is back"));
  }

  /** The method that a handler was made for here; undefined for one that was not, and so lets anybody in. */
  madeFor(handler: object): RpcName | undefined {
    return this.#made.get(handler);
  }

  /** A call that has one answer. */
  unary<Request, Response>(
    method: RpcName,
    run: (request: Request, caller: Caller) => Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return this.#mark(method, (call: ServerUnaryCall<Request, Response>, callback) => {
      const abort = new AbortController();
      call.on("cancelled", () => abort.abort());
      this.#letIn(method, call, abort.signal, (caller) => run(call.request, caller)).then(
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

  /** A call that is answered by what `produce` makes, each when the client has room for it. */
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
      this.#letIn(method, call, abort.signal, async (caller) => {
        release = this.#access.limits?.open(caller.principal);
        off = caller.principal?.onEnd(end);
        for await (const response of produce(call.request, caller)) {
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

  /** A call that is answered by a stream, until the caller cancels it or may not have it any more, or the server stops. */
  stream<Request, Response>(
    method: RpcName,
    open: (call: ServerWritableStream<Request, Response>, caller: Caller) => OpenStream,
  ): handleServerStreamingCall<Request, Response> {
    return this.#mark(method, (call: ServerWritableStream<Request, Response>) => {
      let opened: OpenStream | undefined;
      let ended = false;
      let off: (() => void) | undefined;
      let release: (() => void) | undefined;
      const abort = new AbortController();
      const finish = (code: string) => {
        ended = true;
        off?.();
        release?.();
        opened?.stop();
        abort.abort();
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
      this.#letIn(method, call, abort.signal, async (caller) => {
        if (ended) return;
        release = this.#access.limits?.open(caller.principal);
        opened = open(call, caller);
        // Tells the client that it will miss nothing from here on, and where that is.
        const headers = new Metadata();
        if (opened.cursor) headers.set(cursorHeader, opened.cursor);
        call.sendMetadata(headers);
        call.on("drain", () => opened?.drained());
        off = caller.principal?.onEnd(end);
      }).catch(end);
    });
  }

  /** Runs the task for a caller who may make this call. What it throws is as the caller may read it. */
  async #letIn<R>(
    method: RpcName,
    call: AnyCall,
    signal: AbortSignal,
    task: (caller: Caller) => Promise<R>,
  ): Promise<R> {
    let principal: Principal | undefined;
    try {
      const { limits, identities } = this.#access;
      if (!identities.local()) await limits?.fromAddress(this.#addressOf(call));
      principal = await this.#caller(call);
      await limits?.fromCaller(principal);
      const answer = await this.#permitted(method, call, principal, signal, task);
      this.#record(method, call, principal);
      return answer;
    } catch (error) {
      this.#record(method, call, principal, error);
      throw error;
    }
  }

  /** Who calls; undefined when the call does not say. @throws ApiError unauthenticated */
  #caller(call: AnyCall): Promise<Principal | undefined> {
    const { identities, certificateUser } = this.#access;
    const header = (name: string) => call.metadata.get(name)[0]?.toString();
    return authenticate(identities, {
      authorization: header("authorization"),
      certificateUser: certificateUser?.(call),
      forwarded: proxyHeaders.some((name) => header(name) !== undefined),
    });
  }

  #statusOf(error: unknown): ReturnType<typeof toStatus> {
    this.#access.limits?.observe(error);
    return toStatus(error, this.#log);
  }

  #addressOf(call: AnyCall): string {
    const peer = addressOf(call.getPeer());
    return this.#access.proxies?.client(peer, call.metadata.get("x-forwarded-for").join(",")) ?? peer;
  }

  #record(method: RpcName, call: AnyCall, principal: Principal | undefined, error?: unknown): void {
    const audited = auditOfRpc(method);
    if (!audited || !this.#access.audit) return;
    const code =
      error === undefined
        ? status.OK
        : error instanceof ApiError
          ? grpcStatusOf(error.code)
          : status.INTERNAL;
    const { action } = audited;
    const said = isDecoded(call.request)
      ? { ...describeCall(audited, call.request as never), user: audited.user?.(call.request as never) }
      : { action, user: undefined };
    this.#access.audit.record({
      ...said,
      user: said.user ?? principal?.name,
      outcome: code === status.OK ? "ok" : refusals.has(code) ? "denied" : "failed",
      address: this.#addressOf(call),
    });
  }

  async #permitted<R>(
    method: RpcName,
    call: AnyCall,
    known: Principal | undefined,
    signal: AbortSignal,
    task: (caller: Caller) => Promise<R>,
  ): Promise<R> {
    const { cameras } = this.#access;
    const access = accessOfRpc(method);
    const principal = permitRole(known, access.needs, method);
    const camera = permitCamera(principal, access, decodedRequest(call.request) as never, cameras);
    const scope = principal?.scope ?? allCameras;
    try {
      return await task({ principal, scope, address: this.#addressOf(call), signal });
    } catch (error) {
      throw forEyesOf(principal, camera, error, cameras);
    }
  }

  #mark<Handler extends object>(method: RpcName, handler: Handler): Handler {
    this.#made.set(handler, method);
    return handler;
  }
}

/** Who calls a method that needs a role. */
export function callerOf({ principal }: Caller): Principal {
  if (!principal) throw new ApiError("unauthenticated", "log in first");
  return principal;
}

/** The address in what grpc-js calls a peer, such as `127.0.0.1:40123` or `[::1]:40123`. */
function addressOf(peer: string): string {
  return peer
    .replace(/^ipv[46]:/, "")
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "");
}
