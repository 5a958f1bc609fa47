import { type ChannelCredentials, type ClientOptions, credentials } from "@grpc/grpc-js";

/** How a server's certificate is checked, and which one the client shows; all as PEM. */
export interface TlsOptions {
  /** Certificates that the server's own is checked with, instead of the public ones that Node.js knows. */
  ca?: string | Uint8Array | undefined;
  /** The client's certificate, whose common name names its user; goes with `key`. */
  cert?: string | Uint8Array | undefined;
  /** The private key of `cert`. */
  key?: string | Uint8Array | undefined;
  /** Name that the server's certificate must have, where it is called by another one. */
  serverName?: string | undefined;
}

/** Where a server is, and how it is spoken with. */
export interface Transport {
  /** `HOST:PORT`. */
  target: string;
  credentials: ChannelCredentials;
  options: ClientOptions;
}

/**
 * What an address means: `HOST:PORT` in plain text unless `tls` is given, `https://HOST[:PORT]` by TLS, `http://HOST[:PORT]` in plain
 * text.
 * @throws RangeError the address contradicts `tls`, or the PEM cannot be used
 */
export function readTransport(address: string, tls: TlsOptions | undefined): Transport {
  const [, scheme, target = address] = /^(https?):\/\/([^/]+)\/?$/.exec(address) ?? [];
  if (scheme === undefined && address.includes("://"))
    throw new RangeError(`${address} is no address: expected HOST:PORT or https://HOST:PORT`);
  if (scheme === "http" && tls)
    throw new RangeError(`${address} is an address without TLS, and options of TLS are given; say https://`);
  if (scheme !== "https" && tls === undefined)
    return { target: withPort(target, 80), credentials: credentials.createInsecure(), options: {} };
  const { ca, cert, key, serverName } = tls ?? {};
  const options: ClientOptions = serverName ? { "grpc.ssl_target_name_override": serverName } : {};
  try {
    const secure = credentials.createSsl(bytes(ca), bytes(key), bytes(cert));
    return { target: withPort(target, 443), credentials: secure, options };
  } catch (cause) {
    throw new RangeError(`the certificates for ${address} cannot be used: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function bytes(pem: string | Uint8Array | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}

function withPort(target: string, port: number): string {
  return /:\d+$/.test(target) ? target : `${target}:${port}`;
}
