import { type DeadLetter, type SightlineClient, SightlineError } from "@sightline/client";
import { InputFailures } from "../input-failures.ts";
import { deadLetterId } from "./dead-letter-view.ts";

/**
 * Does something with the dead letters of a subscription that a command is about: those with the given ids, or all of them.
 * What cannot be done is told while the rest is done.
 * @returns for how many it was done
 * @throws Error when neither or both are asked for; SightlineError when the server does not answer or knows no such subscription
 */
export async function forDeadLetters(
  client: SightlineClient,
  subscription: string,
  { ids, all }: { ids: readonly string[]; all: boolean },
  action: (letter: DeadLetter) => Promise<void>,
): Promise<number> {
  if (all === ids.length > 0) throw new Error("give the ids of dead letters, or --all");
  const failures = new InputFailures();
  const letters = await Array.fromAsync(client.subscriptions.deadLetters(subscription));
  const known = new Set(letters.map(deadLetterId));
  for (const id of new Set(ids))
    if (!known.has(id))
      failures.add(
        new Error(
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
      // Without a reason it was not the server that spoke, and the next would fare no better.
      if (!(error instanceof SightlineError) || error.reason === undefined) throw error;
      failures.add(new Error(`${id}: ${error.message}`, { cause: error }));
    }
  }
  return done;
}
