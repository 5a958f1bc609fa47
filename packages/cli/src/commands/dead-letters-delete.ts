import { Command } from "commander";
import { forDeadLetters } from "../dead-letters/chosen-dead-letters.ts";
import { withServer } from "../server-connection.ts";

/** `sightline dead-letters delete`: gives dead letters up. */
export function deadLettersDeleteCommand(): Command {
  const command = new Command("delete")
    .argument("<subscription>", "such as mqtt, or webhook-NAME")
    .argument("[id...]", "dead letters, by their ids")
    .option("--all", "all that there are", false);
  return command.action(async (subscription: string, ids: string[], { all }: { all: boolean }) => {
    await withServer(command, async (client) => {
      const done = await forDeadLetters(client, subscription, { ids, all }, async ({ name }) => {
        await client.subscriptions.deleteDeadLetter(name);
      });
      console.log(`${done} deleted`);
    });
  });
}
