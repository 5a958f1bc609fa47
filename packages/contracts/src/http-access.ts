/** What the HTTP API sends and takes about users, tokens and logins. */
import { z } from "zod";
import { accessLimits, roleSchema } from "./access.ts";

const cameras = z
  .array(z.string().max(64))
  .max(accessLimits.maxPatterns)
  .describe("Ids of cameras, or beginnings of ids with `*` behind them; `*` is all.");
const userName = z.string().max(254);
const password = z.string().max(accessLimits.maxPasswordLength);
const label = z.string().max(accessLimits.maxLabelLength);

/** Answer of GET /auth: who the caller is, and which ways of logging in exist. */
export const httpAuthSchema = z.object({
  open: z
    .boolean()
    .describe("Whether everybody may do everything: there is no user, and the server is local."),
  user: z
    .object({ name: z.string(), role: roleSchema, cameras })
    .optional()
    .describe("Who calls; without when the caller is not logged in."),
  login: z.object({
    password: z.boolean(),
    oidc: z.object({ label: z.string(), url: z.string() }).optional(),
  }),
});

export const httpLoginSchema = z.strictObject({ user: userName, password });

export const httpUserSchema = z.object({
  name: z.string(),
  role: roleSchema,
  cameras,
  hasPassword: z.boolean(),
  createTime: z.string(),
  lastLoginTime: z.string().optional(),
});
export const httpUsersSchema = z.object({ users: z.array(httpUserSchema) });
export const httpNewUserSchema = z.strictObject({
  name: userName,
  role: roleSchema,
  cameras: cameras.optional(),
  password: password.optional(),
});
/** Body of PATCH /users/{name}: missing fields stay unchanged. */
export const httpUserChangesSchema = z.strictObject({
  role: roleSchema.optional(),
  cameras: cameras.optional(),
});
export const httpPasswordSchema = z.strictObject({
  password,
  /** The current password; needed to change one's own. */
  current: password.optional(),
});

export const httpTokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  user: z.string().optional().describe("Without, it stands alone."),
  role: roleSchema,
  cameras,
  createTime: z.string(),
  expireTime: z.string().optional(),
  lastUseTime: z.string().optional(),
});
export const httpTokensSchema = z.object({ tokens: z.array(httpTokenSchema) });
export const httpNewTokenSchema = z.strictObject({
  name: label,
  role: roleSchema.optional(),
  cameras: cameras.optional(),
  expireTime: z.iso.datetime({ offset: true }).optional(),
  alone: z.boolean().optional().describe("It belongs to no user, and so outlives its maker. Needs admin."),
});
/** Answer of POST /tokens: the token itself is shown only this once. */
export const httpCreatedTokenSchema = httpTokenSchema.extend({ token: z.string() });

export type HttpAuth = z.infer<typeof httpAuthSchema>;
export type HttpUser = z.infer<typeof httpUserSchema>;
export type HttpUsers = z.infer<typeof httpUsersSchema>;
export type HttpNewUser = z.infer<typeof httpNewUserSchema>;
export type HttpUserChanges = z.infer<typeof httpUserChangesSchema>;
export type HttpToken = z.infer<typeof httpTokenSchema>;
export type HttpTokens = z.infer<typeof httpTokensSchema>;
export type HttpNewToken = z.infer<typeof httpNewTokenSchema>;
export type HttpCreatedToken = z.infer<typeof httpCreatedTokenSchema>;

/** The audit records of who did what, and how the HTTP API returns them. */

export const auditOutcomes = ["ok", "denied", "failed"] as const;
export type AuditOutcomeName = (typeof auditOutcomes)[number];

const text = (max: number) => z.string().max(max);

/** One action that somebody did or tried; stored in stream AUDIT as JSON. It never holds a secret. */
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
