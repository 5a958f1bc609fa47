import { Command } from "commander";
import { forDeadLetters } from "../dead-letters/chosen-dead-letters.ts";
import { deadLetterJson, deadLetterText } from "../dead-letters/dead-letter-view.ts";
import { withServer } from "../server-connection.ts";

/** `sightline dead-letters list`: what a subscription could not deliver, oldest first. */
export function deadLettersListCommand(): Command {
  const command = new Command("list")
    .argument("<subscription>", "such as mqtt, or webhook-NAME")
    .option("--json", "print one JSON object a line", false);
  return command.action(async (subscription: string, { json }: { json: boolean }) => {
    await withServer(command, async (client) => {
      let count = 0;
      for await (const letter of client.subscriptions.deadLetters(subscription)) {
        console.log(json ? JSON.stringify(deadLetterJson(letter)) : deadLetterText(letter));
        count++;
      }
      if (count === 0 && !json) console.log(`subscription '${subscription}' has no dead letters`);
    });
  });
}

/** `sightline dead-letters retry`: delivers dead letters again. */
export function deadLettersRetryCommand(): Command {
  return endingCommand("retry", true, "will be delivered again");
}

/** `sightline dead-letters delete`: deletes dead letters. */
export function deadLettersDeleteCommand(): Command {
  return endingCommand("delete", false, "deleted");
}

/** A command that removes the chosen messages from the dead letters. */
function endingCommand(name: string, redeliver: boolean, outcome: string): Command {
  const command = new Command(name)
    .argument("<subscription>", "such as mqtt, or webhook-NAME")
    .argument("[id...]", "dead letters, by their ids")
    .option("--all", "all of them", false);
  return command.action(async (subscription: string, ids: string[], { all }: { all: boolean }) => {
    await withServer(command, async (client) => {
      const done = await forDeadLetters(client, subscription, { ids, all }, async ({ name: letter }) => {
        await client.subscriptions.deleteDeadLetter(letter, { redeliver });
      });
      console.log(`${done} ${outcome}`);
    });
  });
}
