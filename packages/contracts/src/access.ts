import { z } from "zod";
import { parseLabel } from "./labels.ts";

/** Each may all that the one before may. */
export const roles = ["viewer", "operator", "admin"] as const;
export type RoleName = (typeof roles)[number];
export const roleSchema = z.enum(roles);

/** Whether `role` may what needs the role `needed`. */
export function mayAs(role: RoleName, needed: RoleName): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

const userName = /^[a-z0-9][a-z0-9._+-]{0,63}(@[a-z0-9][a-z0-9.-]{0,188})?$/;

/** Whether `name` may name a user: as a camera's, with '.', '_' and '+' too, and perhaps '@' and a host. */
export function isUserName(name: string): boolean {
  return userName.test(name);
}

const cameraPattern = /^([a-z0-9][a-z0-9-]{0,62}\*?|\*)$/;

/** Whether `pattern` may say which cameras one sees: an id, a beginning of ids with '*' behind it, a label `key=value`, or '*' for all. */
export function isCameraPattern(pattern: string): boolean {
  return cameraPattern.test(pattern) || isLabelPattern(pattern);
}

/** Whether a pattern stands for the cameras that have a label. */
export function isLabelPattern(pattern: string): boolean {
  return parseLabel(pattern) !== undefined;
}

export const accessLimits = {
  minPasswordLength: 8,
  /** In characters; hashing takes all of them. */
  maxPasswordLength: 512,
  maxPatterns: 1000,
  maxUsers: 1000,
  maxTokensOfUser: 100,
  maxTokens: 10_000,
  maxSessionsOfUser: 50,
  /** Longest name of a token, which people read. */
  maxLabelLength: 100,
} as const;

const patterns = z.array(z.string().refine(isCameraPattern)).min(1).max(accessLimits.maxPatterns);
const time = z.iso.datetime();

/** Whom a login provider knows a user as. */
const userProviderSchema = z.object({
  issuer: z.string(),
  subject: z.string(),
  /** Whether role and cameras are what the provider says at each login, and not an administrator's choice. */
  managed: z.boolean(),
});

/** A user in the bucket `access`, under `user.<name>`. */
export const userRecordSchema = z.object({
  kind: z.literal("user"),
  name: z.string().refine(isUserName),
  role: roleSchema,
  cameras: patterns,
  /** argon2id in PHC form; none for one who logs in otherwise. */
  passwordHash: z.string().optional(),
  /** None for one who never logged in at a login provider. */
  provider: userProviderSchema.optional(),
  createTime: time,
  lastLoginTime: time.optional(),
});

/** A token, under `token.<id>`. */
export const tokenRecordSchema = z.object({
  kind: z.literal("token"),
  id: z.string(),
  /** What it is for, in words. */
  name: z.string(),
  /** None when it stands alone. */
  user: z.string().optional(),
  role: roleSchema,
  cameras: patterns,
  /** Whether it was made by logging in, and so ends when the password changes. */
  login: z.boolean().optional(),
  /** argon2id in PHC form. */
  hash: z.string(),
  createTime: time,
  expireTime: time.optional(),
  lastUseTime: time.optional(),
});

/** A login of a browser, under `session.<SHA-256 of the cookie>`. */
export const sessionRecordSchema = z.object({
  kind: z.literal("session"),
  user: z.string(),
  createTime: time,
  lastUseTime: time,
});

/** What the bucket `access` holds. */
export const accessRecordSchema = z.discriminatedUnion("kind", [
  userRecordSchema,
  tokenRecordSchema,
  sessionRecordSchema,
]);

export type UserProvider = z.infer<typeof userProviderSchema>;
export type UserRecord = z.infer<typeof userRecordSchema>;
export type TokenRecord = z.infer<typeof tokenRecordSchema>;
export type SessionRecord = z.infer<typeof sessionRecordSchema>;
export type AccessRecord = z.infer<typeof accessRecordSchema>;
