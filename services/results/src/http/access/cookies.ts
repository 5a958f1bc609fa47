import { parseCookie, stringifySetCookie } from "cookie";
import type { FastifyReply, FastifyRequest } from "fastify";
import { sessionMs } from "../../access/expiry.ts";
import { attemptSeconds } from "../../access/oidc/login-attempt.ts";

/** A browser takes the second name only by TLS, of this host and for all paths: nobody else can have set it. */
const sessionNames = { plain: "sightline_session", secure: "__Host-sightline_session" } as const;

/** The secret of a session in the header Cookie. */
export function sessionSecretOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const cookies = parseCookie(header);
  return cookies[sessionNames.secure] ?? cookies[sessionNames.plain];
}

/** Gives the browser a session's secret, which no script can read and no other site's page can send in a write. */
export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  secret: string,
  secure = isSecure(request),
): void {
  reply.header("set-cookie", cookie(sessionNames, secret, secure, sessionMs / 1000));
}

/** Takes it away again. */
export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.header("set-cookie", cookie(sessionNames, "", isSecure(request), 0));
}

/** By TLS, here or at a proxy in front: then the page that asks says so. */
function isSecure({ protocol, headers }: FastifyRequest): boolean {
  return protocol === "https" || headers.origin?.startsWith("https://") === true;
}

/** As for the session: by TLS with a name that only this host can set. */
const attemptNames = { plain: "sightline_oidc", secure: "__Host-sightline_oidc" } as const;

/** The sealed login attempt in the header Cookie. */
export function attemptOf(header: string | undefined): string | undefined {
  const cookies = parseCookie(header ?? "");
  return cookies[attemptNames.secure] ?? cookies[attemptNames.plain];
}

/** The header Set-Cookie that keeps a sealed login attempt until the provider sends the browser back; empty takes it away. */
export function attemptCookie(sealed: string, secure: boolean): string {
  return cookie(attemptNames, sealed, secure, sealed === "" ? 0 : attemptSeconds);
}

/** No script reads it. `sameSite` is not "strict": pages of login providers lead back here. */
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
