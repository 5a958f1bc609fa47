import { httpAuditSchema } from "@sightline/contracts";
import { z } from "zod";
import type { AuditHistory } from "../../access/audit-history.ts";
import { errorAnswers } from "./api-error.ts";
import type { ApiApp } from "./parts.ts";

/** Who did what. */
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
