/** What is kept of who did what, and what the HTTP API tells of it. */
import { z } from "zod";

export const auditOutcomes = ["ok", "denied", "failed"] as const;
export type AuditOutcomeName = (typeof auditOutcomes)[number];

const text = (max: number) => z.string().max(max);

/** One thing that somebody did, or tried to; in stream AUDIT as JSON. It never holds a secret. */
export const auditRecordSchema = z.object({
  time: z.string().describe("When, in RFC 3339."),
  user: text(300).optional().describe("Who; without when nobody knows."),
  action: text(64).describe("What, such as `login`, `camera.update` or `clip.download`."),
  target: text(300).optional().describe("Camera, event, user or token that it was done to."),
  outcome: z.enum(auditOutcomes).describe("`denied`: the caller may not do it, or is not known."),
  address: text(64).optional().describe("Address from which it was done."),
  detail: text(500).optional().describe("More about it, in words."),
});
export type AuditRecordJson = z.infer<typeof auditRecordSchema>;

/** Answer of GET /audit, newest first. */
export const httpAuditSchema = z.object({
  records: z.array(auditRecordSchema),
  nextPageToken: z.string().optional().describe("Of the next page; without after the last."),
});
export type HttpAudit = z.infer<typeof httpAuditSchema>;
