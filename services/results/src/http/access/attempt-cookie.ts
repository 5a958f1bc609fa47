import { parseCookie, stringifySetCookie } from "cookie";
import { attemptSeconds } from "../../access/oidc/login-attempt.ts";

/** As for the session: by TLS with a name that only this host can set. */
const names = { plain: "sightline_oidc", secure: "__Host-sightline_oidc" } as const;

/** The sealed login attempt in the header Cookie. */
export function attemptOf(header: string | undefined): string | undefined {
  const cookies = parseCookie(header ?? "");
  return cookies[names.secure] ?? cookies[names.plain];
}

/** The header Set-Cookie that keeps a sealed login attempt until the provider sends the browser back; empty takes it away. */
export function attemptCookie(sealed: string, secure: boolean): string {
  return stringifySetCookie({
    name: secure ? names.secure : names.plain,
    value: sealed,
    path: "/",
    httpOnly: true,
    // Not "strict": the provider's page leads back.
    sameSite: "lax",
    secure,
    maxAge: sealed === "" ? 0 : attemptSeconds,
  });
}
