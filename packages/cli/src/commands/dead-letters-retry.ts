import { Command } from "commander";
import { forDeadLetters } from "../dead-letters/chosen-dead-letters.ts";
import { withServer } from "../server-connection.ts";

/** `sightline dead-letters retry`: delivers dead letters once more. */
export function deadLettersRetryCommand(): Command {
  const command = new Command("retry")
    .argument("<subscription>", "such as mqtt, or webhook-NAME")
    .argument("[id...]", "dead letters, by their ids")
    .option("--all", "all that there are", false);
  return command.action(async (subscription: string, ids: string[], { all }: { all: boolean }) => {
    await withServer(command, async (client) => {
      const done = await forDeadLetters(client, subscription, { ids, all }, async ({ name }) => {
        await client.subscriptions.deleteDeadLetter(name, { redeliver: true });
      });
      console.log(`${done} will be delivered again`);
    });
  });
}
