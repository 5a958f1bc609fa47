import { ApiError } from "../grpc/errors.ts";
import type { Identities } from "./identities.ts";
import type { Principal } from "./principal.ts";

/** What a call brings by which its caller is known. */
export interface CallerCredentials {
  /** Header or metadata `authorization`. */
  authorization: string | undefined;
  /** Hash of the session's secret, of a browser. */
  session?: string | undefined;
  /** User that a client certificate names which has been verified. */
  certificateUser?: string | undefined;
  /** Whether it came through a proxy, so that it need not be from this machine. */
  forwarded: boolean;
}

/** By what callers are known. */
export type KnownIdentities = Pick<Identities, "local" | "ofToken" | "ofSession" | "ofUser">;

/** Who calls; undefined when the call brings nothing. @throws ApiError unauthenticated when it brings what does not count */
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
