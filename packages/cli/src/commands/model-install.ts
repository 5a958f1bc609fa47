import { Command, Option } from "commander";
import { installVersion } from "../model/install-version.ts";

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
