import { toDate } from "@sightline/client";
import { Command, InvalidArgumentError, Option } from "commander";
import { type ChangeOptions, changeVersion, withChangeOptions } from "../model/change-version.ts";
import { installVersion } from "../model/install-version.ts";
import { withServer } from "../server-connection.ts";
import { textTable } from "../text-table.ts";

/** `sightline model versions`: the versions of a model that workers have. */
export function modelVersionsCommand(): Command {
  const command = new Command("versions")
    .argument("<name>", "the model")
    .option("--json", "print as JSON, one line each", false);
  return command.action(async (name: string, { json }: { json: boolean }) => {
    const versions = await withServer(command, (client) => client.models.versions(name));
    if (json) {
      for (const version of versions) console.log(JSON.stringify(version));
      return;
    }
    const rows = versions.map((version) => [
      String(version.number),
      version.version,
      version.active ? "active" : version.previous ? "before" : "",
      String(version.servingWorkers),
      `${version.workersWith} of ${version.workersWith + version.workersWithout}`,
      version.seenTime ? toDate(version.seenTime).toISOString() : "",
    ]);
    console.log(textTable([["#", "VERSION", "", "SERVED BY", "ON DISK OF", "FIRST SEEN"], ...rows]));
  });
}

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

/** `sightline model rollback`: goes back to the version of a model that was active before. */
export function modelRollbackCommand(): Command {
  const command = withChangeOptions(new Command("rollback").argument("<name>", "the model"));
  return command.action(async (name: string, options: ChangeOptions) =>
    changeVersion(command, name, options, (client, settings) => client.models.rollback(name, settings)),
  );
}

interface InstallOptions {
  modelDir: string;
  name?: string;
}

/** `sightline model install`: puts a version of a model where the workers of this machine find it. */
export function modelInstallCommand(): Command {
  return new Command("install")
    .argument("<folder>", "a prepared model: its files and model.json")
    .addOption(
      new Option("--model-dir <folder>", "the workers' directory of models")
        .env("SIGHTLINE_MODEL_DIR")
        .default("models"),
    )
    .option("--name <name>", "the model that it is a version of (default: as its model.json says)")
    .action(async (source: string, { modelDir, name }: InstallOptions) => {
      const { version, folder, known } = await installVersion(source, modelDir, name);
      console.log(`version ${version} ${known ? "is already" : "is now"} in ${folder}`);
    });
}
