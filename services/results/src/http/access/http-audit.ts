import type { FastifyInstance } from "fastify";
import type { Audit } from "../../access/audit.ts";
import { describeCall, httpAudit } from "../../access/audit-table.ts";

const refused = new Set([401, 403, 429]);

/** Records what the table of audit names, when it has been answered. `audit` is undefined until NATS is there. */
export function recordRequests(scope: FastifyInstance, audit: () => Audit | undefined): void {
  scope.addHook("onResponse", async (request, reply) => {
    const { url } = request.routeOptions;
    const entry = url === undefined ? undefined : httpAudit[`${request.method} ${url}`];
    if (!entry) return;
    const { statusCode } = reply;
    audit()?.record({
      ...describeCall(entry, request),
      user: entry.user?.(request) ?? request.principal?.name,
      outcome: statusCode < 400 ? "ok" : refused.has(statusCode) ? "denied" : "failed",
      address: request.ip,
    });
  });
}
