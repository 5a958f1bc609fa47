import { type Logger, pino, stdSerializers } from "pino";

const userInfo = /([a-z][a-z0-9+.-]*:\/\/)(?:[^/\s"'\\]|\\[^"])*@/gi;
const authorization = /(authorization\\?["']?\s*[:=]\s*\\?["']?(?:basic|digest|bearer)\s+)[^\r\n]*/gi;

/** Removes user and password from every URL in a text, and the value of authorization headers. */
export function redact(text: string): string {
  return text.replace(userInfo, "$1***@").replace(authorization, "$1***");
}

export type { Logger };

/**
 * Structured log on stderr, one JSON object per line. Every string passes `redact`, so no call can log a URL's password. An error is logged
 * completely, as `err`: type, message and stack, and those of its causes.
 */
export function createLogger(service: string, level: string): Logger {
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: stdSerializers.errWithCause },
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => process.stderr.write(redact(line)) },
  );
}
