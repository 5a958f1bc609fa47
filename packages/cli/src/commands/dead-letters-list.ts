import { Command } from "commander";
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
