import {
  type EvaluatedModel,
  type ImportSettings,
  type Inspection,
  importSettingsSchema,
  type ModelJob,
  type ModelScores,
  toTimestamp,
} from "@sightline/contracts";
import {
  ImportSettingsMessage,
  type ModelInspection,
  ModelInspection as ModelInspectionMessage,
  ModelJob_State,
  ModelJobMessage,
} from "@sightline/contracts/api";
import { z } from "zod";
import { ApiError } from "../../errors.ts";
import { modelName, versionName } from "../model-name.ts";

const prefix = "modelJobs/";

export function jobName(id: string): string {
  return `${prefix}${id}`;
}

/** The id in "modelJobs/{job}"; other names return an id that no job has. */
export function jobIdOf(name: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : "";
}

const states: Record<ModelJob["state"], ModelJob_State> = {
  uploading: ModelJob_State.UPLOADING,
  waiting: ModelJob_State.WAITING,
  running: ModelJob_State.RUNNING,
  // Its version is being entered.
  prepared: ModelJob_State.RUNNING,
  done: ModelJob_State.DONE,
  failed: ModelJob_State.FAILED,
  cancelled: ModelJob_State.CANCELLED,
};

/** A job as the API shows it. */
export function toJobMessage(id: string, job: ModelJob): ModelJobMessage {
  const { wanted, outcome, files, state, worker = "", progress } = job;
  const at = (time: string | undefined) => (time === undefined ? undefined : toTimestamp(Date.parse(time)));
  return ModelJobMessage.fromPartial({
    name: jobName(id),
    state: states[state],
    ...(wanted.kind === "import"
      ? { model: modelName(wanted.model), isNew: wanted.isNew, settings: toSettings(wanted.settings) }
      : {}),
    ...(wanted.kind === "evaluate"
      ? { models: wanted.models.map(toEvaluated), minHeight: wanted.minHeight }
      : {}),
    files: files.map(({ name, fileName, bytes }) => ({ name, fileName, sizeBytes: bytes })),
    createdTime: at(job.createdTime),
    startedTime: at(job.startedTime),
    endedTime: at(job.endedTime),
    ...{ worker, done: progress?.done ?? 0, total: progress?.total ?? 0 },
    message: job.fault ?? (state === "waiting" ? "it waits for a worker" : ""),
    ...(outcome?.kind === "import" && wanted.kind === "import" && state === "done"
      ? { imported: { version: versionName(wanted.model, outcome.version), words: outcome.words } }
      : {}),
    ...(outcome?.kind === "evaluate" ? { scores: outcome.scores.map(toScores), faults: outcome.faults } : {}),
  });
}

function toSettings({ input, mean, std, ...settings }: ImportSettings) {
  return { ...settings, ...input, mean: mean ?? [], std: std ?? [] };
}

function toEvaluated({ model, version, precision }: EvaluatedModel) {
  return { model: modelName(model), version: version ?? "", precision: precision ?? "" };
}

function toScores({ model, version, tallerThan, ...scores }: ModelScores) {
  return {
    ...scores,
    version: versionName(model, version),
    apTaller: tallerThan.ap,
    ap50Taller: tallerThan.ap50,
  };
}

export function toInspectionMessage({ model, version, files, ...inspection }: Inspection): ModelInspection {
  return ModelInspectionMessage.fromPartial({
    ...inspection,
    name: versionName(model, version),
    files: files.map(({ bytes, accuracy = {}, measuredOn = "", ...file }) => ({
      ...{ ...file, sizeBytes: bytes, accuracy, measuredOn },
    })),
  });
}

/** The given settings of an export. @throws ApiError invalid_argument that names the faulty fields */
export function readImportSettings(settings: ImportSettingsMessage | undefined): ImportSettings {
  const { family, classes, width, height, mean, std, channelOrder, placement, range } =
    settings ?? ImportSettingsMessage.fromPartial({});
  const given = {
    ...(classes.length === 0 ? {} : { classes }),
    ...(width === 0 && height === 0 ? {} : { input: { width, height } }),
    ...(mean.length === 0 ? {} : { mean }),
    ...(std.length === 0 ? {} : { std }),
    ...Object.fromEntries(
      Object.entries({ family, channelOrder, placement, range }).filter(([, value]) => value !== ""),
    ),
  };
  const read = importSettingsSchema.safeParse(given);
  if (read.success) return read.data;
  throw new ApiError("invalid_argument", `the settings are not valid: ${z.prettifyError(read.error)}`);
}
