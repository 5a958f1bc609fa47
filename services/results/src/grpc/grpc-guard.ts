import { type ServerUnaryCall, type ServerWritableStream, status } from "@grpc/grpc-js";
import { accessOfRpc, type RpcName } from "../access/access-table.ts";
import type { AuditTrail } from "../access/audit.ts";
import { auditOfRpc, describeCall } from "../access/audit-table.ts";
import { authenticate, type KnownIdentities } from "../access/authenticate.ts";
import type { CallLimits } from "../access/call-limits.ts";
import type { TrustedProxies } from "../access/caller-address.ts";
import { allCameras, type CameraScope } from "../access/camera-scope.ts";
import { type CameraIds, forEyesOf, permitCamera, permitRole } from "../access/permit.ts";
import type { Principal } from "../access/principal.ts";
import { ApiError, grpcStatusOf } from "./errors.ts";
import { decodedRequest, isDecoded } from "./method-codecs.ts";

/** What tells that a call came through a proxy. */
const proxyHeaders = ["x-forwarded-for", "forwarded", "x-real-ip", "via"] as const;

/** How a call ends that was not allowed. */
const refusals: ReadonlySet<number> = new Set([
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.RESOURCE_EXHAUSTED,
]);

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

/** Lets calls in, as the table of access says, and takes down what the table of audit names. */
export class GrpcGuard {
  readonly #access: CallAccess;

  constructor(access: CallAccess) {
    this.#access = access;
  }

  /** Runs the task for a caller who may make this call. What it throws is as the caller may read it. */
  async letIn<R>(
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
