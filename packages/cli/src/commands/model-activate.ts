import { Command, InvalidArgumentError } from "commander";
import { type ChangeOptions, changeVersion, withChangeOptions } from "../model/change-version.ts";

/** `sightline model activate`: changes the version of a model that all its workers serve. */
export function modelActivateCommand(): Command {
  const command = withChangeOptions(
    new Command("activate").argument(
      "<name@version>",
      "the model and its version: the number that `model versions` shows, or 4 or more first digits of the digest",
      modelAndVersion,
    ),
  );
  return command.action(
    async ({ model, version }: { model: string; version: string }, options: ChangeOptions) =>
      changeVersion(command, model, options, (client, settings) =>
        client.models.activate(model, version, settings),
      ),
  );
}

function modelAndVersion(text: string): { model: string; version: string } {
  const [model, version, more] = text.split("@");
  if (!model || !version || more !== undefined)
    throw new InvalidArgumentError("expected NAME@VERSION, such as people@2 or people@53e78347");
  return { model, version };
}
