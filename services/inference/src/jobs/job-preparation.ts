import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { KV } from "@nats-io/kv";
import type { EvaluatedModel, ModelJob, ModelVersions } from "@sightline/contracts";
import { findFfmpeg } from "@sightline/rtsp";
import type { KvMirror } from "@sightline/service";
import type { InferenceConfig } from "../config.ts";
import { engineCandidates } from "../engine-choice.ts";
import { WorkerError } from "../errors.ts";
import { findModel, type LocatedModel, listVersions } from "../model-directory.ts";
import { fetchFile } from "./job-files.ts";
import type { JobTask, ScoredModel } from "./job-task.ts";

/** Where a job's models and files are. */
export interface JobSources {
  config: InferenceConfig;
  files: KV;
  /** Which version of each model is active. */
  wanted: Pick<KvMirror<ModelVersions>, "get">;
}

/** Whether this worker has the job's models on its disk. */
export async function hasModels(sources: JobSources, { wanted }: ModelJob): Promise<boolean> {
  const { modelDirectory } = sources.config;
  if (wanted.kind === "import")
    return wanted.isNew || (await listVersions(modelDirectory, wanted.model)).length > 0;
  const models = wanted.kind === "inspect" ? [wanted] : wanted.models;
  for (const { model, version } of models) {
    const found = await listVersions(modelDirectory, model);
    const needed = version ?? sources.wanted.get(model)?.active;
    if (needed === undefined ? found.length === 0 : !found.includes(needed)) return false;
  }
  return true;
}

/**
 * Fetches the job's files into `folder`, and finds its models.
 * @throws WorkerError job_failed or model_not_found; ModelFileError; the signal's reason when that aborts
 */
export async function prepareTask(
  sources: JobSources,
  id: string,
  { wanted, files: uploads }: ModelJob,
  folder: string,
  signal: AbortSignal,
): Promise<JobTask> {
  const { config, files } = sources;
  const fetched = async (name: string, as: string) => {
    const upload = uploads.find((each) => each.name === name);
    if (!upload) throw new WorkerError("job_failed", `it has no file '${name}'`);
    await fetchFile(files, id, upload, join(folder, as), signal);
    return join(folder, as);
  };
  if (wanted.kind === "inspect") {
    const { model, version } = wanted;
    const located = await findModel(config.modelDirectory, model, version);
    return { kind: "inspect", model, version, folder: located.folder };
  }
  if (wanted.kind === "import") {
    const out = join(folder, "made");
    await mkdir(out);
    const { model, settings, isNew } = wanted;
    const beside = isNew ? undefined : (await locate(sources, { model })).manifest;
    return { kind: "import", model, settings, path: await fetched("export", "export.onnx"), out, beside };
  }
  const models: ScoredModel[] = [];
  for (const each of wanted.models) models.push(await findScored(sources, each));
  return {
    ...{ kind: "evaluate", models, minHeight: wanted.minHeight },
    ffmpeg: await findFfmpeg(config.ffmpegPath),
    clip: await fetched("clip", "clip"),
    labels: await fetched("labels", "labels.json"),
  };
}

/** The requested version: the named one, the active one, or the one in the model's own folder. */
async function locate(
  { config, wanted }: JobSources,
  { model, version }: Pick<EvaluatedModel, "model" | "version">,
): Promise<LocatedModel> {
  return findModel(config.modelDirectory, model, version ?? wanted.get(model)?.active);
}

/** The file that a CPU would run: a GPU is busy with cameras. */
async function findScored(
  sources: JobSources,
  { model, version, precision }: EvaluatedModel,
): Promise<ScoredModel> {
  const located = await locate(sources, { model, version });
  const { candidates, refusals } = engineCandidates(located, "cpu", precision ?? "auto");
  const [engine] = candidates;
  if (!engine) throw new WorkerError("job_failed", refusals.map(({ reason }) => reason).join("; "));
  return { model, version: located.version, encoding: engine.encoding, path: engine.path };
}
