import { type Logger, pino } from "pino";
import { redact } from "./redact.ts";

export type { Logger };

/**
 * Structured log on stderr, one JSON object a line. Every string passes `redact`, so that a URL's password cannot
 * be logged by any call site.
 */
export function createLogger(service: string, level: string): Logger {
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => process.stderr.write(redact(line)) },
  );
}
