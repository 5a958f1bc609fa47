import { httpAuditSchema, httpSystemSchema } from "@sightline/contracts";
import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import { z } from "zod";
import type { AuditHistory } from "../../access/audit-history.ts";
import type { CameraScope } from "../../access/camera-scope.ts";
import { requesterOf } from "../access/http-guard.ts";
import { errorAnswers } from "./api-error.ts";
import type { ApiApp, Parts } from "./parts.ts";

/** The whole system. */
export function systemRoutes(app: ApiApp, parts: Parts): void {
  app.get(
    "/system",
    {
      schema: {
        tags: ["system"],
        operationId: "getSystem",
        summary: "Returns workers, models, streams, and what is the matter with the system.",
        response: { 200: httpSystemSchema, ...errorAnswers },
      },
    },
    async (request) => parts().system.show(requesterOf(request).scope),
  );
}

/** The audit trail. */
export function auditRoutes(app: ApiApp, history: () => AuditHistory): void {
  app.get(
    "/audit",
    {
      schema: {
        tags: ["audit"],
        operationId: "listAudit",
        summary: "Lists who did what, newest first. A page may be short before the last one.",
        querystring: z.object({
          pageSize: z.coerce.number().int().min(1).max(1_000).default(100),
          pageToken: z.string().max(500).default("").describe("From an earlier answer to the same query."),
          user: z.string().max(300).optional(),
          action: z.string().max(64).optional().describe("Such as `login` or `camera.update`."),
          from: z.iso.datetime({ offset: true }).optional().describe("Of this time or later."),
          to: z.iso.datetime({ offset: true }).optional().describe("Before this time."),
        }),
        response: { 200: httpAuditSchema, ...errorAnswers },
      },
    },
    async ({ query: { from, to, ...query } }) => {
      const { records, nextPageToken } = await history().list({
        ...query,
        from: from === undefined ? undefined : Date.parse(from),
        to: to === undefined ? undefined : Date.parse(to),
      });
      return { records, ...(nextPageToken !== "" && { nextPageToken }) };
    },
  );
}

/** Prometheus text with the part of the metrics that the caller may see. */
export function metricsRoute(app: FastifyInstance, registry: Registry): void {
  app.get("/metrics", async (request, reply) => {
    const text = await registry.metrics();
    reply.type(registry.contentType);
    return metricsFor(requesterOf(request).scope, text);
  });
}

/** A quote within a label's value is escaped with a backslash, so this matches only real labels. */
const cameraLabel = /[{,]camera="([^"\\]*)"/;

/** A caller who does not see all cameras gets only the metrics of its own, and none of the system, whose totals include the others. */
export function metricsFor(scope: CameraScope, text: string): string {
  if (scope.all) return text;
  return text
    .split("\n")
    .filter((line) => {
      if (line === "" || line.startsWith("#")) return true;
      const camera = cameraLabel.exec(line)?.[1];
      return camera !== undefined && scope.sees(camera);
    })
    .join("\n");
}
