/**
 * Sent with every answer. The console loads nothing but its own files: no inline script or style, no other server, no
 * frame around it. Styles set by script (CSSOM) are not inline styles.
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
 * Sent with every answer by TLS: for a year the browser calls this name by TLS only, at every port. Other programs' ports of
 * localhost are left alone.
 */
export function transportHeaders(host: string): Readonly<Record<string, string>> {
  return host === "localhost" || host.endsWith(".localhost")
    ? {}
    : { "strict-transport-security": "max-age=31536000" };
}
