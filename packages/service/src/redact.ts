const userInfo = /([a-z][a-z0-9+.-]*:\/\/)(?:[^/\s"'\\]|\\[^"])*@/gi;
const authorization = /(authorization\\?["']?\s*[:=]\s*\\?["']?(?:basic|digest|bearer)\s+)[^\r\n]*/gi;

/** Removes user and password from every URL, and the value of authorization headers, in a text. */
export function redact(text: string): string {
  return text.replace(userInfo, "$1***@").replace(authorization, "$1***");
}
