import type { PeerCertificate } from "node:tls";
import { TLSSocket } from "node:tls";
import type { ServerUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import type { FastifyRequest } from "fastify";

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
