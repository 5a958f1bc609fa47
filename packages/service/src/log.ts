import { type Logger, pino, stdSerializers } from "pino";
import { redact } from "./redact.ts";

export type { Logger };

/**
 * Structured log on stderr, one JSON object a line. Every string passes `redact`, so that a URL's password cannot
 * be logged by any call site. An error is given whole, as `err`: its type, message and stack, and those of its causes.
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
