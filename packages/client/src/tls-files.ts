import { readFileSync } from "node:fs";
import type { TlsOptions } from "./transport.ts";

/** Files of certificates and a key, all PEM. */
export interface TlsFilePaths {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  /** As in `TlsOptions`. */
  serverName?: string | undefined;
}

/**
 * The options of TLS that are in these files; undefined when nothing is given. @throws RangeError one cannot be read, or half of a pair
 *
 * @example
 * ```ts
 * assert.equal(readTlsFiles({}), undefined); // Nothing is given.
 * assert.throws(() => readTlsFiles({ ca: "no-such-file.pem" }), RangeError);
 * ```
 */
export function readTlsFiles({ ca, cert, key, serverName }: TlsFilePaths): TlsOptions | undefined {
  if (Boolean(cert) !== Boolean(key))
    throw new RangeError("a client's certificate and its private key go together, and only one is given");
  if (!ca && !cert && !serverName) return undefined;
  return { ca: read(ca), cert: read(cert), key: read(key), serverName };
}

function read(path: string | undefined): Buffer | undefined {
  if (!path) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new RangeError(`the file ${path} cannot be read (${why})`, { cause });
  }
}
