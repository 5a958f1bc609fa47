import { type ServerUnaryCall, type ServerWritableStream, status } from "@grpc/grpc-js";
import { accessOfRpc, type RpcName } from "../access/access-table.ts";
import type { AuditTrail } from "../access/audit.ts";
import { auditOfRpc, describeCall } from "../access/audit-table.ts";
import { authenticate, type KnownIdentities, userOfCertificate } from "../access/authenticate.ts";
import type { CallLimits } from "../access/call-limits.ts";
import type { TrustedProxies } from "../access/caller-address.ts";
import { allCameras, type CameraScope } from "../access/camera-scope.ts";
import { type CameraIds, forEyesOf, permitCamera, permitRole } from "../access/permit.ts";
import type { Principal } from "../access/principal.ts";
import { ApiError } from "../errors.ts";
import { grpcStatusOf } from "./grpc-status.ts";
import { decodedRequest, isDecoded } from "./method-codecs.ts";

/** Headers that show that a call came through a proxy. */
const proxyHeaders = ["x-forwarded-for", "forwarded", "x-real-ip", "via"] as const;

/** Statuses of calls that were refused. */
const refusals: ReadonlySet<number> = new Set([
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.RESOURCE_EXHAUSTED,
]);

type AnyCall = ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>;

/** What decides about admitting calls. */
export interface CallAccess {
  identities: KnownIdentities;
  /** Ids of all cameras. */
  cameras: CameraIds;
  /** The user that a verified client certificate names, if the connection has one. */
  certificateUser?: (call: AnyCall) => string | undefined;
  /** Records the calls that the audit table lists. */
  audit?: Pick<AuditTrail, "record">;
  /** Proxies that are trusted to give callers' addresses. */
  proxies?: TrustedProxies;
  /** Limits for one caller. */
  limits?: CallLimits;
}

/** The caller of an admitted call. A stream may be open for days, and there may be thousands, so this is all that is kept for each. */
export interface AdmittedCaller {
  /** Undefined when the method is for anyone and the call has no credentials. */
  readonly principal: Principal | undefined;
  /** Cameras that the caller sees: everything else is left out of answers. */
  readonly scope: CameraScope;
  /** The caller's address, without port. */
  readonly address: string;
}

/** The caller of a call that does some work and then ends. */
export interface Caller extends AdmittedCaller {
  /** Aborts when the caller cancels or loses permission, or the server stops. */
  readonly signal: AbortSignal;
}

/** Admits calls according to the access table, and records those that the audit table lists. */
export class GrpcGuard {
  readonly #access: CallAccess;

  constructor(access: CallAccess) {
    this.#access = access;
  }

  /** Runs the task if the caller may make this call. Errors are changed so that the caller may read them. */
  async letIn<R>(method: RpcName, call: AnyCall, task: (caller: AdmittedCaller) => Promise<R>): Promise<R> {
    let principal: Principal | undefined;
    try {
      const { limits, identities } = this.#access;
      if (!identities.local()) await limits?.fromAddress(this.#addressOf(call));
      principal = await this.#caller(call);
      await limits?.fromCaller(principal);
      const answer = await this.#permitted(method, call, principal, task);
      this.#record(method, call, principal);
      return answer;
    } catch (error) {
      this.#record(method, call, principal, error);
      throw error;
    }
  }

  /** The caller; undefined when the call has no credentials. @throws ApiError unauthenticated */
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
    task: (caller: AdmittedCaller) => Promise<R>,
  ): Promise<R> {
    const { cameras } = this.#access;
    const access = accessOfRpc(method);
    const principal = permitRole(known, access.needs, method);
    const camera = permitCamera(principal, access, decodedRequest(call.request) as never, cameras);
    const scope = principal?.scope ?? allCameras;
    try {
      return await task({ principal, scope, address: this.#addressOf(call) });
    } catch (error) {
      throw forEyesOf(principal, camera, error, cameras);
    }
  }
}

/** The user that the client's certificate names: grpc-js returns no certificate that is not verified. */
export function userOfCall(call: AnyCall): string | undefined {
  const { sslPeerCertificate } = call.getAuthContext();
  return sslPeerCertificate && userOfCertificate(sslPeerCertificate);
}

/** The caller of a method that needs a role. */
export function callerOf({ principal }: AdmittedCaller): Principal {
  if (!principal) throw new ApiError("unauthenticated", "log in first");
  return principal;
}

/** The address in grpc-js's peer text, such as `127.0.0.1:40123` or `[::1]:40123`. */
function addressOf(peer: string): string {
  return peer
    .replace(/^ipv[46]:/, "")
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "");
}
