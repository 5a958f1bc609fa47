import { Command } from "commander";
import { type ChangeOptions, changeVersion, withChangeOptions } from "../model/change-version.ts";

/** `sightline model rollback`: goes back to the version of a model that was active before. */
export function modelRollbackCommand(): Command {
  const command = withChangeOptions(new Command("rollback").argument("<name>", "the model"));
  return command.action(async (name: string, options: ChangeOptions) =>
    changeVersion(command, name, options, (client, settings) => client.models.rollback(name, settings)),
  );
}
