import { SightlineError } from "@sightline/client";

/** One line that says what went wrong and, where there is one, the way out. */
export function describeError(error: unknown, server: string | undefined): string {
  if (error instanceof SightlineError) {
    // Only an answer carries a reason; without one nobody was there to give it.
    if (error.code === "UNAVAILABLE" && error.reason === undefined)
      return `no Sightline server answers at ${server}; start one with ./sightline up, or name another with --server`;
    if (error.code === "DEADLINE_EXCEEDED") return `the server at ${server} took too long to answer`;
    return error.message;
  }
  // What was aborted by a signal says which one in its cause only.
  if (error instanceof Error && error.name === "AbortError" && error.cause instanceof Error)
    return error.cause.message;
  return error instanceof Error ? error.message : String(error);
}
