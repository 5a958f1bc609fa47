import type { DeadLetter, SightlineClient } from "@sightline/client";
import { deadLetterId } from "./dead-letter-view.ts";

/**
 * The dead letters of a subscription that a command is about: those with the given ids, or all of them.
 * @throws Error when neither or both are asked for, or there is no letter with an id; SightlineError
 */
export async function chosenDeadLetters(
  client: SightlineClient,
  subscription: string,
  ids: readonly string[],
  all: boolean,
): Promise<DeadLetter[]> {
  if (all === ids.length > 0) throw new Error("give the ids of dead letters, or --all");
  const letters = await Array.fromAsync(client.subscriptions.deadLetters(subscription));
  if (all) return letters;
  const chosen = new Set(ids);
  const found = letters.filter((letter) => chosen.has(deadLetterId(letter)));
  for (const letter of found) chosen.delete(deadLetterId(letter));
  const [missing] = chosen;
  if (missing !== undefined)
    throw new Error(
      `subscription '${subscription}' has no dead letter '${missing}'; ./sightline dead-letters list ${subscription} lists them`,
    );
  return found;
}
