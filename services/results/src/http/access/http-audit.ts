import type { FastifyInstance, FastifyRequest } from "fastify";
import type { AuditEntry, AuditTrail } from "../../access/audit.ts";
import { describeCall, httpAudit } from "../../access/audit-table.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What a handler knows better than the request and the answer's status say. */
    audited: Partial<Pick<AuditEntry, "user" | "outcome" | "detail">> | undefined;
  }
}

const refused = new Set([401, 403, 429]);

/** Records what the table of audit names, when it has been answered. `audit` is undefined until NATS is there. */
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
  // A WebSocket that is let in is recorded when it opens: it may stay open for days.
  scope.addHook("preHandler", async (request) => {
    if (request.ws) record(request, 101);
  });
  scope.addHook("onResponse", async (request, reply) => {
    if (!request.ws || reply.statusCode >= 400) record(request, reply.statusCode);
  });
}
