import { once } from "node:events";
import { connect } from "node:tls";
import { type ServerOptions, tlsOf } from "./server-connection.ts";

const patienceMs = 2_000;

/**
 * What is wrong with how a server was called that gave no answer, as far as TLS goes: it speaks TLS and was called without, or the
 * other way about, or its certificate is not trusted. Undefined when that is not it.
 */
export async function transportFault(options: ServerOptions): Promise<string | undefined> {
  const { server } = options;
  const address = server.replace(/^https?:\/\//, "").replace(/\/$/, "");
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  const tls = tlsOf(options);
  const byTls = tls !== undefined || server.startsWith("https://");
  const { ca, cert, key, serverName } = tls ?? {};
  const socket = connect({
    host,
    port: Number(address.slice(colon + 1)),
    ...(serverName ? { servername: serverName } : {}),
    ...(byTls
      ? { ca: ca && Buffer.from(ca), cert: cert && Buffer.from(cert), key: key && Buffer.from(key) }
      : { rejectUnauthorized: false }),
    ALPNProtocols: ["h2"],
  });
  try {
    await once(socket, "secureConnect", { signal: AbortSignal.timeout(patienceMs) });
    return byTls
      ? undefined
      : `the server at ${server} speaks TLS: say --server https://${address}, and --ca FILE when its certificate is not a public one`;
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (!byTls) return undefined;
    if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG")
      return `the server at ${server} does not speak TLS: say --server ${address}, without --ca`;
    if (/CERT|SIGNATURE|ISSUER|CA$/.test(code))
      return `the certificate of the server at ${server} is not trusted (${message}): give the certificate that signed it with --ca FILE, and call the server by a name that is in its certificate`;
    return undefined;
  } finally {
    socket.destroy();
  }
}
