import { CliError } from "./errors.ts";

/** Aborts at the first SIGINT, SIGTERM or SIGHUP, so that a command can stop what it started. */
export function untilSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => controller.abort(new CliError("stopped", `stopped by ${signal}`)));
  return controller.signal;
}
