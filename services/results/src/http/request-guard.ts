import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import { ApiError } from "../errors.ts";

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses requests that another web page could make a browser send. Only known host names are answered: a page whose name was pointed at
 * this machine (DNS rebinding) sends its own name. An address, `localhost` and names below it cannot belong to anyone else. Writes and
 * WebSockets must come from a page of this server, or from no page at all.
 */
export class RequestGuard {
  readonly #hosts: ReadonlySet<string>;

  /** `hosts` are this server's names, without port, besides addresses and localhost. */
  constructor(hosts: readonly string[]) {
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
  }

  /** @throws ApiError host_refused, origin_refused */
  check({ method, headers }: Pick<FastifyRequest, "method" | "headers">): void {
    const host = headers.host?.toLowerCase() ?? "";
    if (!this.knows(host))
      throw new ApiError(
        "host_refused",
        "this server is not known by the name in the Host header; list it in SIGHTLINE_HTTP_HOSTS",
      );
    if (safeMethods.has(method) && headers.upgrade === undefined) return;
    const { origin } = headers;
    if (origin !== undefined && hostOf(origin) !== host)
      throw new ApiError("origin_refused", "the request comes from a page of another server");
    if (origin === undefined && headers["sec-fetch-site"] === "cross-site")
      throw new ApiError("origin_refused", "the request comes from a page of another site");
  }

  /** Whether `host`, as in the Host header, may be a name of this server. */
  knows(host: string): boolean {
    const name = host.replace(/:\d{1,5}$/, "").replace(/\.$/, "");
    const address = /^\[.*\]$/.test(name) ? name.slice(1, -1) : name;
    return (
      isIP(address) !== 0 || name === "localhost" || name.endsWith(".localhost") || this.#hosts.has(name)
    );
  }
}

/** Host and port of an Origin header, in the form of a Host header; undefined when it is `null` or not an origin. */
function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}

/**
 * Sent with every answer. The console only loads its own files: no inline script or style, no other server, and it cannot be put in a
 * frame. Styles set by script (CSSOM) are not inline styles.
 */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
};

/**
 * Sent with every answer over TLS: for a year, the browser uses only TLS for this name, on every port. Not sent for localhost, because
 * other programs use its ports too.
 */
export function transportHeaders(host: string): Readonly<Record<string, string>> {
  return host === "localhost" || host.endsWith(".localhost")
    ? {}
    : { "strict-transport-security": "max-age=31536000" };
}
