import type { AccessToken, User } from "@sightline/client";
import { enumName, toIso } from "@sightline/contracts";
import { Role } from "@sightline/contracts/api";
import { textTable } from "../text-table.ts";

/** What `--json` prints of a user. */
export function userJson({ name, role, cameras, hasPassword, createTime, lastLoginTime }: User) {
  return {
    name: plain(name),
    role: enumName(Role, role),
    cameras,
    hasPassword,
    createTime: toIso(createTime),
    lastLoginTime: toIso(lastLoginTime),
  };
}

export function userTable(users: readonly User[]): string {
  const rows = users
    .map(userJson)
    .map(({ name, role, cameras, lastLoginTime }) => [
      name,
      role,
      cameras.join(","),
      lastLoginTime ?? "never",
    ]);
  return textTable([["NAME", "ROLE", "CAMERAS", "LAST LOGIN"], ...rows]);
}

/** What `--json` prints of a token. */
export function tokenJson(token: AccessToken) {
  const { name, displayName, user, role, cameras, createTime, expireTime, lastUseTime } = token;
  return {
    id: plain(name),
    name: displayName,
    user: user === "" ? null : plain(user),
    role: enumName(Role, role),
    cameras,
    createTime: toIso(createTime),
    expireTime: toIso(expireTime),
    lastUseTime: toIso(lastUseTime),
  };
}

export function tokenTable(tokens: readonly AccessToken[]): string {
  const rows = tokens
    .map(tokenJson)
    .map(({ id, name, user, role, cameras, expireTime, lastUseTime }) => [
      id,
      name,
      user ?? "-",
      role,
      cameras.join(","),
      expireTime ?? "never",
      lastUseTime ?? "never",
    ]);
  return textTable([["ID", "NAME", "USER", "ROLE", "CAMERAS", "EXPIRES", "LAST USE"], ...rows]);
}

/** The last part of a resource's name. */
function plain(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}
