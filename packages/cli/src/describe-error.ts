import { SightlineError } from "@sightline/client";
import { inCommandWords } from "./server-words.ts";

/** Whether nobody answered: only an answer carries a reason. */
export function isSilence(error: unknown): boolean {
  return error instanceof SightlineError && error.code === "UNAVAILABLE" && error.reason === undefined;
}

/** One line that says what went wrong and, where there is one, the way out, in the words of the command line. */
export function describeError(error: unknown, server: string | undefined): string {
  if (error instanceof SightlineError) {
    if (isSilence(error))
      return `no Sightline server answers at ${server}; start one with ./sightline up, or name another with --server`;
    if (error.code === "DEADLINE_EXCEEDED") return `the server at ${server} took too long to answer`;
    if (error.code === "UNIMPLEMENTED")
      return `the server at ${server} does not know this command: it is not Sightline, or another version of it`;
    if (error.reason === "cursor_foreign")
      return `--cursor: ${error.message.split(";")[0]}; begin again without it, or with --from TIME`;
    return inCommandWords(error.message);
  }
  // What was aborted by a signal says which one in its cause only.
  if (error instanceof Error && error.name === "AbortError" && error.cause instanceof Error)
    return error.cause.message;
  return error instanceof Error ? error.message : String(error);
}
