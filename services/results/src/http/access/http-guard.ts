import type { FastifyInstance, FastifyRequest } from "fastify";
import { type RouteRequest, routeAccess } from "../../access/access-table.ts";
import type { AuditEntry, AuditTrail } from "../../access/audit.ts";
import { describeCall, httpAudit } from "../../access/audit-table.ts";
import { authenticate } from "../../access/authenticate.ts";
import type { CallLimits } from "../../access/call-limits.ts";
import type { Identities } from "../../access/identities.ts";
import { type CameraIds, forEyesOf, permitCamera, permitRole } from "../../access/permit.ts";
import { localPrincipal, type Principal } from "../../access/principal.ts";
import { digest } from "../../access/secrets.ts";
import { ApiError } from "../../errors.ts";
import { sessionSecretOf } from "./cookies.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The caller; undefined where no identity is needed. */
    principal: Principal | undefined;
    /** The camera that the request concerns. */
    aboutCamera: string | undefined;
    /** What a handler knows, for the audit, beyond the request and the answer's status. */
    audited: Partial<Pick<AuditEntry, "user" | "outcome" | "detail">> | undefined;
  }
}

/** Headers that show that a request came through a proxy. */
const proxyHeaders = ["x-forwarded-for", "forwarded", "x-real-ip", "via"] as const;

/** This delay lets a request that logs out or changes a user be answered first. */
const endMs = 1_000;

/** The user that a verified client certificate names, if the connection has one. */
export type CertificateUser = (request: FastifyRequest) => string | undefined;

/** The only place where HTTP requests and WebSockets are admitted, according to the access table. */
export class HttpGuard {
  readonly #local: boolean;
  readonly #limits: CallLimits;
  readonly #certificateUser: CertificateUser;
  #known: { identities: Identities; ids: CameraIds } | undefined;

  /** `local`: only this machine can reach the server. */
  constructor(local: boolean, limits: CallLimits, certificateUser: CertificateUser = () => undefined) {
    this.#local = local;
    this.#limits = limits;
    this.#certificateUser = certificateUser;
  }

  /** Users are known from now on; before, only what is for anyone is answered. */
  attach(identities: Identities, ids: CameraIds): void {
    this.#known = { identities, ids };
  }

  /** Guards the routes that are added to the scope from now on. A route without an entry in the access table throws. */
  protect(scope: FastifyInstance): void {
    scope.decorateRequest("principal", undefined);
    scope.decorateRequest("aboutCamera", undefined);
    scope.addHook("onRoute", ({ method, url }) => {
      for (const each of [method].flat())
        if (!routeAccess(each, url))
          throw new Error(
            `the route ${each} ${url} has no entry in access-table.ts, so nobody may ask for it`,
          );
    });
    scope.addHook("onRequest", async (request) => {
      const { url } = request.routeOptions;
      const access = url === undefined ? undefined : routeAccess(request.method, url);
      if (!access) return;
      if (!this.#known?.identities.local()) await this.#limits.fromAddress(request.ip);
      const caller = this.#caller(request);
      const principal = await (access.needs === "anyone" ? caller.catch(() => undefined) : caller);
      await this.#limits.fromCaller(principal);
      request.principal = permitRole(principal, access.needs, `${request.method} of this path`);
    });
    scope.addHook("onRequest", async (request, reply) => {
      // An answer in progress ends when the caller loses permission; a WebSocket is closed with a reason (live-route.ts).
      if (request.ws || !request.principal) return;
      const release = this.#limits.open(request.principal);
      let ending: NodeJS.Timeout | undefined;
      const off = request.principal.onEnd(() => {
        ending = setTimeout(() => request.raw.socket.destroy(), endMs);
      });
      reply.raw.once("close", () => {
        off();
        release();
        clearTimeout(ending);
      });
    });
    scope.addHook("preHandler", async (request) => {
      const { url } = request.routeOptions;
      const access = url === undefined ? undefined : routeAccess(request.method, url);
      if (!access || !this.#known) return;
      const asked: RouteRequest = { params: request.params, body: request.body };
      request.aboutCamera = permitCamera(request.principal, access, asked, this.#known.ids);
    });
  }

  /** A caught value in a form that its caller may read. */
  tell(request: FastifyRequest, error: unknown): unknown {
    return forEyesOf(request.principal, request.aboutCamera, error, this.#known?.ids ?? (() => []));
  }

  async #caller(request: FastifyRequest): Promise<Principal | undefined> {
    const { headers } = request;
    const forwarded = proxyHeaders.some((name) => headers[name] !== undefined);
    if (!this.#known) {
      // There are no cameras in the metrics yet, and the metrics show why the service does not start.
      if (request.routeOptions.url === "/metrics" && this.#local && !forwarded) return localPrincipal();
      throw new ApiError("starting", "the server is starting: it waits for NATS; try again");
    }
    const secret = sessionSecretOf(headers.cookie);
    return authenticate(this.#known.identities, {
      authorization: headers.authorization,
      session: secret === undefined ? undefined : digest(secret),
      certificateUser: this.#certificateUser(request),
      forwarded,
    });
  }
}

/** The caller of a route that needs a role. */
export function requesterOf({ principal }: Pick<FastifyRequest, "principal">): Principal {
  if (!principal) throw new ApiError("unauthenticated", "log in first");
  return principal;
}

const refused = new Set([401, 403, 429]);

/** Records the requests in the audit table after they were answered. `audit` is undefined until NATS is available. */
export function recordRequests(scope: FastifyInstance, audit: () => AuditTrail | undefined): void {
  scope.decorateRequest("audited", undefined);
  const record = (request: FastifyRequest, statusCode: number) => {
    const { url } = request.routeOptions;
    const entry = url === undefined ? undefined : httpAudit[`${request.method} ${url}`];
    if (!entry) return;
    audit()?.record({
      ...describeCall(entry, request),
      user: entry.user?.(request) ?? request.principal?.name,
      outcome: statusCode < 400 ? "ok" : refused.has(statusCode) ? "denied" : "failed",
      address: request.ip,
      ...request.audited,
    });
  };
  // An admitted WebSocket is recorded when it opens, because it may stay open for days.
  scope.addHook("preHandler", async (request) => {
    if (request.ws) record(request, 101);
  });
  scope.addHook("onResponse", async (request, reply) => {
    if (!request.ws || reply.statusCode >= 400) record(request, reply.statusCode);
  });
}
