import { type PeerCertificate, TLSSocket } from "node:tls";
import type { ServerUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import type { FastifyRequest } from "fastify";
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

/** The user that the client's certificate names by its common name; undefined without one that the authority vouches for. */
export function userOfRequest({ raw: { socket } }: FastifyRequest): string | undefined {
  return socket instanceof TLSSocket && socket.authorized ? nameIn(socket.getPeerCertificate()) : undefined;
}

/** As `userOfRequest`, of a call: grpc-js gives no certificate that is not vouched for. */
export function userOfCall(
  call: ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>,
): string | undefined {
  const { sslPeerCertificate } = call.getAuthContext();
  return sslPeerCertificate && nameIn(sslPeerCertificate);
}

function nameIn({ subject }: PeerCertificate): string | undefined {
  const name: unknown = subject?.CN;
  return typeof name === "string" && name !== "" ? name : undefined;
}
