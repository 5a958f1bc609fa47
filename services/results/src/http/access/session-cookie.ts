import { parseCookie, stringifySetCookie } from "cookie";
import type { FastifyReply, FastifyRequest } from "fastify";
import { sessionMs } from "../../access/identities.ts";

/** A browser takes the second name only by TLS, of this host and for all paths: nobody else can have set it. */
const names = { plain: "sightline_session", secure: "__Host-sightline_session" } as const;

/** The secret of a session in the header Cookie. */
export function sessionSecretOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const cookies = parseCookie(header);
  return cookies[names.secure] ?? cookies[names.plain];
}

/** Gives the browser a session's secret, which no script can read and no other site's page can send in a write. */
export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  secret: string,
  secure = isSecure(request),
): void {
  reply.header("set-cookie", cookie(secure, secret, sessionMs / 1000));
}

/** Takes it away again. */
export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.header("set-cookie", cookie(isSecure(request), "", 0));
}

function cookie(secure: boolean, value: string, maxAge: number): string {
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

/** By TLS, here or at a proxy in front: then the page that asks says so. */
function isSecure({ protocol, headers }: FastifyRequest): boolean {
  return protocol === "https" || headers.origin?.startsWith("https://") === true;
}
