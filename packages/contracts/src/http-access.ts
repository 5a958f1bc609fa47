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

/** Answer of GET /auth: who calls, and how one may log in. */
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
/** Body of PATCH /users/{name}: what is not there stays as it is. */
export const httpUserChangesSchema = z.strictObject({
  role: roleSchema.optional(),
  cameras: cameras.optional(),
});
export const httpPasswordSchema = z.strictObject({
  password,
  /** The password until now; needed to change one's own. */
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
/** Answer of POST /tokens: the token itself is told this once. */
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
