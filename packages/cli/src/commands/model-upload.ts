import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ModelJob_State } from "@sightline/contracts/api";
import { Command } from "commander";
import { CliError } from "../errors.ts";
import { type ExportFacts, withExportFacts } from "../models/import-options.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";

interface UploadOptions extends ExportFacts {
  readonly name?: string;
  readonly asVersion: boolean;
}

const pollMs = 500;

/** `sightline model upload`: sends an export to all workers, as a model or a version of one. */
export function modelUploadCommand(): Command {
  const command = new Command("upload")
    .argument("<file>", "a float ONNX export")
    .option("--name <name>", "name of the model (default: the file's)")
    .option("--as-version", "add it as a version of an existing model", false);
  withExportFacts(command);
  return command.action(async (file: string, { name, asVersion, ...options }: UploadOptions) => {
    const model = name ?? basename(file).replace(/\.onnx$/i, "");
    const signal = untilSignal();
    await withServer(command, async ({ modelJobs }) => {
      const shows = process.stderr.isTTY;
      let job = await modelJobs.importModel(file, model, {
        isNew: !asVersion,
        settings: settingsOf(options),
        signal,
        onProgress: (done, total) => {
          if (shows) process.stderr.write(`\r${(done / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`);
        },
      });
      if (shows) process.stderr.write("\n");
      const id = job.name.slice("modelJobs/".length);
      while (job.state === ModelJob_State.WAITING || job.state === ModelJob_State.RUNNING) {
        await delay(pollMs, undefined, { signal }).catch(async (error: unknown) => {
          await modelJobs.cancel(id);
          throw error;
        });
        job = await modelJobs.get(id, { signal });
      }
      if (!job.imported)
        throw new CliError("failed", `no model was made of ${file}: ${job.message || "it was cancelled"}`);
      console.log(job.imported.words.join("\n"));
      const version = job.imported.version.split("/").at(-1)!;
      console.log(
        asVersion
          ? `version ${version} of ${model} is on its way to all workers\nNext: ./sightline model activate ${model}@${version}`
          : `${model} ${version} is on its way to all workers\nNext: ./sightline camera add NAME URL --model ${model}`,
      );
    });
  });
}

function settingsOf({ classes, input, mean, std, ...names }: ExportFacts) {
  return {
    ...names,
    ...input,
    ...(classes ? { classes: [...classes] } : {}),
    ...(mean ? { mean: [...mean] } : {}),
    ...(std ? { std: [...std] } : {}),
  };
}
