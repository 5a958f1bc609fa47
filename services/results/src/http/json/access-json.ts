import type { HttpToken, HttpUser, TokenRecord, UserRecord } from "@sightline/contracts";

/** A user as the API shows it. */
export function toHttpUser({
  name,
  role,
  cameras,
  passwordHash,
  createTime,
  lastLoginTime,
}: UserRecord): HttpUser {
  const user = { name, role, cameras, hasPassword: passwordHash !== undefined, createTime };
  return { ...user, ...(lastLoginTime !== undefined && { lastLoginTime }) };
}

/** A token as the API shows it, without what proves it. */
export function toHttpToken(token: TokenRecord): HttpToken {
  const { kind: _kind, hash: _hash, login: _login, ...shown } = token;
  return shown;
}
