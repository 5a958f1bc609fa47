import type { PeerCertificate } from "node:tls";
import { ApiError } from "../errors.ts";
import type { Identities } from "./identities.ts";
import type { Principal } from "./principal.ts";

/** The credentials of a call. */
export interface CallerCredentials {
  /** Header or metadata `authorization`. */
  authorization: string | undefined;
  /** Hash of the browser session's secret. */
  session?: string | undefined;
  /** User named by a verified client certificate. */
  certificateUser?: string | undefined;
  /** Whether the call came through a proxy, so that it may come from another machine. */
  forwarded: boolean;
}

/** How callers are identified. */
export type KnownIdentities = Pick<Identities, "local" | "ofToken" | "ofSession" | "ofUser">;

/** The caller; undefined without credentials. @throws ApiError unauthenticated when the credentials are not valid */
export async function authenticate(
  identities: KnownIdentities,
  { authorization, session, certificateUser, forwarded }: CallerCredentials,
): Promise<Principal | undefined> {
  if (authorization !== undefined) {
    const [, token] = /^bearer +(\S+)$/i.exec(authorization.trim()) ?? [];
    if (token === undefined)
      throw new ApiError(
        "unauthenticated",
        "`authorization` is not understood; expected `Bearer` and a token",
      );
    return identities.ofToken(token);
  }
  const known =
    (session === undefined ? undefined : identities.ofSession(session)) ??
    (certificateUser === undefined ? undefined : identities.ofUser(certificateUser));
  if (known) return known;
  const local = identities.local();
  if (local && forwarded)
    throw new ApiError(
      "unauthenticated",
      "the call comes through a proxy and there is no user yet: make one first, on this machine (`sightline user add admin --role admin`)",
    );
  return local;
}

/** The user that a client certificate names: its common name. */
export function userOfCertificate({ subject }: PeerCertificate): string | undefined {
  const name: unknown = subject?.CN;
  return typeof name === "string" && name !== "" ? name : undefined;
}
