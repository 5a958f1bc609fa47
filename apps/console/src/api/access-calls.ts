import type {
  HttpAudit,
  HttpAuth,
  HttpCreatedToken,
  HttpNewToken,
  HttpNewUser,
  HttpTokens,
  HttpUser,
  HttpUserChanges,
  HttpUsers,
} from "@sightline/contracts";
import { request, requestJson } from "./request.ts";

export const getAuth = (signal?: AbortSignal) => requestJson<HttpAuth>("/auth", { signal });

export const login = (user: string, password: string) =>
  request("/auth/login", { method: "POST", body: { user, password } });

export const logout = () => request("/auth/logout", { method: "POST" });

export const listUsers = (signal?: AbortSignal) => requestJson<HttpUsers>("/users", { signal });

export const createUser = (body: HttpNewUser) => requestJson<HttpUser>("/users", { method: "POST", body });

export const updateUser = (name: string, body: HttpUserChanges) =>
  requestJson<HttpUser>(user(name), { method: "PATCH", body });

export const deleteUser = (name: string) => request(user(name), { method: "DELETE" });

/** @param current the present password; an administrator needs none for other users */
export const setPassword = (name: string, password: string, current?: string) =>
  request(`${user(name)}/password`, {
    method: "POST",
    body: current === undefined ? { password } : { current, password },
  });

export const listTokens = (signal?: AbortSignal) => requestJson<HttpTokens>("/tokens", { signal });

/** The answer contains the token itself, which is never shown again. */
export const createToken = (body: HttpNewToken) =>
  requestJson<HttpCreatedToken>("/tokens", { method: "POST", body });

export const deleteToken = (id: string) => request(`/tokens/${encodeURIComponent(id)}`, { method: "DELETE" });

/** Filter for the audit trail; empty strings mean all. */
export interface AuditFilter {
  user: string;
  action: string;
}

/** One page of the audit trail, newest first. */
export function listAudit(filter: AuditFilter, pageToken: string, signal?: AbortSignal) {
  const query = new URLSearchParams({ pageSize: "50" });
  for (const [name, value] of Object.entries({ ...filter, pageToken }))
    if (value !== "") query.set(name, value);
  return requestJson<HttpAudit>(`/audit?${query}`, { signal });
}

function user(name: string): string {
  return `/users/${encodeURIComponent(name)}`;
}
