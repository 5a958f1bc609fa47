import { type DeadLetter, type SightlineClient, SightlineError } from "@sightline/client";
import { CliError } from "../errors.ts";
import { InputFailures } from "../input-failures.ts";
import { deadLetterId } from "./dead-letter-view.ts";

/**
 * Runs an action on chosen dead letters of a subscription: those with the given ids, or all. A failure is reported, and the rest is still
 * done.
 * @returns the number of successful actions
 * @throws Error when neither or both are requested; SightlineError when the server does not answer or does not know the subscription
 */
export async function forDeadLetters(
  client: SightlineClient,
  subscription: string,
  { ids, all }: { ids: readonly string[]; all: boolean },
  action: (letter: DeadLetter) => Promise<void>,
): Promise<number> {
  if (all === ids.length > 0) throw new CliError("usage", "give the ids of dead letters, or --all");
  const failures = new InputFailures();
  const letters = await Array.fromAsync(client.subscriptions.deadLetters(subscription));
  const known = new Set(letters.map(deadLetterId));
  for (const id of new Set(ids))
    if (!known.has(id))
      failures.add(
        new CliError(
          "not_found",
          `subscription '${subscription}' has no dead letter '${id}'; ./sightline dead-letters list ${subscription} lists them`,
        ),
      );
  let done = 0;
  for (const letter of letters) {
    const id = deadLetterId(letter);
    if (!all && !ids.includes(id)) continue;
    try {
      await action(letter);
      done += 1;
    } catch (error) {
      // Without a reason the server did not answer, and the next attempt would fail too.
      if (!(error instanceof SightlineError) || error.reason === undefined) throw error;
      failures.add(new CliError("failed", `${id}: ${error.message}`, { cause: error }));
    }
  }
  return done;
}
