import { parseCookie, stringifySetCookie } from "cookie";
import type { FastifyReply, FastifyRequest } from "fastify";
import { sessionMs } from "../../access/expiry.ts";
import { attemptSeconds } from "../../access/oidc/login-attempt.ts";

/** A browser accepts the second name only over TLS, from this host and for all paths: no other site can have set it. */
const sessionNames = { plain: "sightline_session", secure: "__Host-sightline_session" } as const;

/** The secret of a session in the Cookie header. */
export function sessionSecretOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const cookies = parseCookie(header);
  return cookies[sessionNames.secure] ?? cookies[sessionNames.plain];
}

/** Sets the cookie with a session's secret: no script can read it, and no other site's page can send it with a write. */
export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  secret: string,
  secure = isSecure(request),
): void {
  reply.header("set-cookie", cookie(sessionNames, secret, secure, sessionMs / 1000));
}

/** Removes the cookie. */
export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.header("set-cookie", cookie(sessionNames, "", isSecure(request), 0));
}

/** Whether TLS is used, here or at a proxy in front: then the page's origin shows it. */
function isSecure({ protocol, headers }: FastifyRequest): boolean {
  return protocol === "https" || headers.origin?.startsWith("https://") === true;
}

/** As for the session: over TLS, with a name that only this host can set. */
const attemptNames = { plain: "sightline_oidc", secure: "__Host-sightline_oidc" } as const;

/** The sealed login attempt in the Cookie header. */
export function attemptOf(header: string | undefined): string | undefined {
  const cookies = parseCookie(header ?? "");
  return cookies[attemptNames.secure] ?? cookies[attemptNames.plain];
}

/** The Set-Cookie header that keeps a sealed login attempt until the provider sends the browser back; an empty one removes it. */
export function attemptCookie(sealed: string, secure: boolean): string {
  return cookie(attemptNames, sealed, secure, sealed === "" ? 0 : attemptSeconds);
}

/** No script can read it. `sameSite` is not "strict", because pages of login providers lead back here. */
function cookie(
  names: { plain: string; secure: string },
  value: string,
  secure: boolean,
  maxAge: number,
): string {
  return stringifySetCookie({
    name: secure ? names.secure : names.plain,
    value,
    path: "/",
    httpOnly: true,
    sameSite: "lax",
    secure,
    maxAge,
  });
}
