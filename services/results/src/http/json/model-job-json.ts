import { type HttpInspected, type HttpModelJob, pieceBytes, toIso } from "@sightline/contracts";
import {
  type InspectModelVersionResponse,
  ModelJob_State,
  type ModelJobMessage,
} from "@sightline/contracts/api";
import { readVersionName } from "../../models/model-name.ts";

const states: Record<ModelJob_State, HttpModelJob["state"]> = {
  [ModelJob_State.UNSPECIFIED]: "waiting",
  [ModelJob_State.UPLOADING]: "uploading",
  [ModelJob_State.WAITING]: "waiting",
  [ModelJob_State.RUNNING]: "running",
  [ModelJob_State.DONE]: "done",
  [ModelJob_State.FAILED]: "failed",
  [ModelJob_State.CANCELLED]: "cancelled",
};

/** A job as the HTTP API shows it. */
export function toHttpJob(job: ModelJobMessage): HttpModelJob {
  const { name, state, model, isNew, models, minHeight, files, worker, done, total, message, faults } = job;
  return {
    id: lastPart(name),
    kind: model === "" ? "evaluation" : "import",
    state: states[state],
    model: model === "" ? null : lastPart(model),
    ...{ pieceBytes, isNew, minHeight, worker, done, total, message, faults },
    models: models.map((each) => ({ ...each, model: lastPart(each.model) })),
    files: files.map(({ sizeBytes: bytes, ...file }) => ({ ...file, bytes })),
    createdTime: toIso(job.createdTime) ?? "",
    startedTime: toIso(job.startedTime),
    endedTime: toIso(job.endedTime),
    imported: job.imported ? { version: lastPart(job.imported.version), words: job.imported.words } : null,
    scores: job.scores.map((scores) => ({ ...scores, ...readVersionName(scores.version) })),
  };
}

export function toHttpInspected({ inspection, message }: InspectModelVersionResponse): HttpInspected {
  if (!inspection) return { inspection: null, message };
  const { name, files, ...facts } = inspection;
  return {
    inspection: {
      ...{ ...readVersionName(name), ...facts },
      files: files.map(({ sizeBytes: bytes, ...file }) => ({ ...file, bytes })),
    },
    message,
  };
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
