import { z } from "zod";
import { parseLabel } from "./labels.ts";

/** Each role may do all that the roles before it may do. */
export const roles = ["viewer", "operator", "admin"] as const;
export type RoleName = (typeof roles)[number];
export const roleSchema = z.enum(roles);

/** Whether `role` may do what needs the role `needed`. */
export function mayAs(role: RoleName, needed: RoleName): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

const userName = /^[a-z0-9][a-z0-9._+-]{0,63}(@[a-z0-9][a-z0-9.-]{0,188})?$/;

/** Whether `name` may name a user: the rules of a camera id, plus '.', '_' and '+', and optionally '@' and a host. */
export function isUserName(name: string): boolean {
  return userName.test(name);
}

const cameraPattern = /^([a-z0-9][a-z0-9-]{0,62}\*?|\*)$/;

/** Whether `pattern` may say which cameras a user sees: an id, the start of ids followed by '*', a label `key=value`, or '*' for all. */
export function isCameraPattern(pattern: string): boolean {
  return cameraPattern.test(pattern) || isLabelPattern(pattern);
}

/** Whether a pattern means the cameras with a certain label. */
export function isLabelPattern(pattern: string): boolean {
  return parseLabel(pattern) !== undefined;
}

export const accessLimits = {
  minPasswordLength: 8,
  /** In characters; all of them are hashed. */
  maxPasswordLength: 512,
  maxPatterns: 1000,
  maxUsers: 1000,
  maxTokensOfUser: 100,
  maxTokens: 10_000,
  maxSessionsOfUser: 50,
  /** Longest name of a token, in characters; people read it. */
  maxLabelLength: 100,
} as const;

const patterns = z.array(z.string().refine(isCameraPattern)).min(1).max(accessLimits.maxPatterns);
const time = z.iso.datetime();

/** The user's identity at a login provider. */
const userProviderSchema = z.object({
  issuer: z.string(),
  subject: z.string(),
  /** Whether the provider sets role and cameras at each login, instead of an administrator. */
  managed: z.boolean(),
});

/** A user in the bucket `access`, under `user.<name>`. */
export const userRecordSchema = z.object({
  kind: z.literal("user"),
  name: z.string().refine(isUserName),
  role: roleSchema,
  cameras: patterns,
  /** argon2id in PHC form; missing for a user who logs in another way. */
  passwordHash: z.string().optional(),
  /** Missing for a user who never logged in through a login provider. */
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
  /** Missing when the token belongs to no user. */
  user: z.string().optional(),
  role: roleSchema,
  cameras: patterns,
  /** Whether a login created it; such a token ends when the password changes. */
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
