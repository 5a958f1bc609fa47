import { randomBytes } from "node:crypto";
import {
  type EvaluatedModel,
  isModelJobId,
  type ModelJob,
  modelJobSchema,
  pieceBytes,
  pieceCount,
  type UploadedFile,
} from "@sightline/contracts";
import type {
  CreateModelEvaluationRequest,
  CreateModelImportRequest,
  EvaluatedModelMessage,
  ModelJobFile,
  ModelJobMessage,
  UploadModelJobPieceRequest,
} from "@sightline/contracts/api";
import { z } from "zod";
import type { ModelCatalog } from "../../cameras/model-catalog.ts";
import { ApiError } from "../../errors.ts";
import { chooseVersion, readModelName } from "../model-name.ts";
import type { VersionRecords } from "../version-records.ts";
import { endedStates } from "./job-keeper.ts";
import { jobIdOf, readImportSettings, toJobMessage } from "./job-message.ts";
import type { JobStore } from "./job-store.ts";

const mostUnfinished = 8;
const defaultMinHeight = 32;
const mebibyte = 1024 ** 2;
/** Labels are read completely into memory. */
const mostLabelBytes = 64 * mebibyte;

export interface JobServiceParts {
  store: JobStore;
  catalog: ModelCatalog;
  versions: VersionRecords;
  /** MiB of one file (0: no uploads), and of all files together. */
  uploadMb: number;
  storeMb: number;
}

/** The calls for imports and evaluations. Every method throws ApiError. */
export class JobService {
  readonly #parts: JobServiceParts;
  #lastCreated: Promise<unknown> = Promise.resolve();

  constructor(parts: JobServiceParts) {
    this.#parts = parts;
  }

  /** @throws ApiError model_exists, model_not_found, body_too_large, model_store_full, too_many_model_jobs, no_worker, invalid_argument */
  async createImport({
    model: name,
    isNew,
    settings,
    file,
  }: CreateModelImportRequest): Promise<ModelJobMessage> {
    const model = readModelName(name);
    const files = readFiles(file ? [file] : [], ["export"]);
    const wanted = { kind: "import", model, isNew, settings: readImportSettings(settings) } as const;
    return this.#inTurn(() => {
      const isThere = this.#isThere(model);
      if (isNew && isThere)
        throw new ApiError(
          "model_exists",
          `there is a model '${model}' already; bring the file as a version of it, or give another name`,
        );
      if (!isNew && !isThere)
        throw new ApiError("model_not_found", `there is no model '${model}' to add a version to`);
      return this.#create(wanted, files);
    });
  }

  /** @throws ApiError model_not_served, model_version_not_found, body_too_large, model_store_full, too_many_model_jobs, no_worker, invalid_argument */
  async createEvaluation({
    models,
    minHeight,
    files,
  }: CreateModelEvaluationRequest): Promise<ModelJobMessage> {
    if (models.length < 1 || models.length > 2)
      throw new ApiError("invalid_argument", "one model is evaluated, or two side by side");
    const wanted = {
      kind: "evaluate",
      models: models.map((each) => this.#readModel(each)),
      minHeight: minHeight || defaultMinHeight,
    } as const;
    const read = readFiles(files, ["clip", "labels"]);
    return this.#inTurn(() => this.#create(wanted, read));
  }

  /** @throws ApiError model_job_not_found, model_job_ended, invalid_argument, model_store_full */
  async uploadPiece({ name, file, piece, content }: UploadModelJobPieceRequest): Promise<void> {
    const { id, job } = this.#find(name);
    if (job.state !== "uploading")
      throw new ApiError(
        "model_job_ended",
        "the job takes no files any more: it has been started, or has ended",
      );
    const upload = job.files.find((each) => each.name === file);
    if (!upload)
      throw new ApiError(
        "invalid_argument",
        `the job has no file '${file}'; it waits for ${job.files.map((each) => each.name).join(", ")}`,
      );
    const count = pieceCount(upload.bytes);
    const expected = piece === count - 1 ? upload.bytes - piece * pieceBytes : pieceBytes;
    if (piece >= count)
      throw new ApiError(
        "invalid_argument",
        `the file has ${count} pieces, counted from 0; there is no piece ${piece}`,
      );
    if (content.byteLength !== expected)
      throw new ApiError(
        "invalid_argument",
        `piece ${piece} has ${content.byteLength} bytes; ${expected} are expected`,
      );
    await this.#parts.store.putPiece(id, file, piece, content);
  }

  /** @throws ApiError model_job_not_found, upload_incomplete */
  async start({ name }: { name: string }): Promise<ModelJobMessage> {
    const { id, job } = this.#find(name);
    if (job.state !== "uploading") return toJobMessage(id, job);
    for (const file of job.files)
      if (!(await this.#parts.store.isWhole(id, file.name, file.bytes)))
        throw new ApiError(
          "upload_incomplete",
          `the file '${file.name}' is not whole yet; bring the pieces that are missing`,
        );
    return this.#changed(id, (now) => (now.state === "uploading" ? { ...now, state: "waiting" } : undefined));
  }

  list(): ModelJobMessage[] {
    return this.#parts.store.jobs().map(([id, job]) => toJobMessage(id, job));
  }

  /** @throws ApiError model_job_not_found */
  get({ name }: { name: string }): ModelJobMessage {
    const { id, job } = this.#find(name);
    return toJobMessage(id, job);
  }

  /** @throws ApiError model_job_not_found */
  async cancel({ name }: { name: string }): Promise<ModelJobMessage> {
    const { id } = this.#find(name);
    const endedTime = new Date().toISOString();
    return this.#changed(id, (now) =>
      // A prepared job becomes a version in the next moment.
      endedStates.has(now.state) || now.state === "prepared"
        ? undefined
        : { ...now, state: "cancelled", endedTime },
    );
  }

  /** @throws ApiError model_job_not_found */
  async delete({ name }: { name: string }): Promise<void> {
    await this.cancel({ name });
    await this.#parts.store.forget(jobIdOf(name));
  }

  /** One after the other: each creation sees the jobs created before, and their future size. */
  #inTurn(create: () => Promise<ModelJobMessage>): Promise<ModelJobMessage> {
    const created = this.#lastCreated.then(create);
    this.#lastCreated = created.catch(() => undefined);
    return created;
  }

  async #create(wanted: ModelJob["wanted"], files: UploadedFile[]): Promise<ModelJobMessage> {
    const { store, versions, uploadMb, storeMb } = this.#parts;
    if (uploadMb === 0)
      throw new ApiError(
        "permission_denied",
        "this server takes no uploads (SIGHTLINE_MODEL_UPLOAD_MB is 0)",
      );
    for (const { name, bytes } of files) {
      const most = name === "labels" ? Math.min(mostLabelBytes, uploadMb * mebibyte) : uploadMb * mebibyte;
      if (bytes > most)
        throw new ApiError(
          "body_too_large",
          `the file '${name}' has ${megabytes(bytes)}; ${megabytes(most)} are the most${name === "labels" ? "" : " (SIGHTLINE_MODEL_UPLOAD_MB)"}`,
        );
    }
    if (versions.workers().length === 0)
      throw new ApiError("no_worker", "no worker runs now that could do it; start one, and try again");
    const unfinished = store.jobs().filter(([, { state }]) => !endedStates.has(state));
    if (unfinished.length >= mostUnfinished)
      throw new ApiError(
        "too_many_model_jobs",
        `${unfinished.length} jobs wait or run, which is the most; cancel one first`,
      );
    const declared = unfinished.reduce((sum, [, job]) => sum + takenBy(job.wanted, job.files), 0);
    const stored = await store.bytes();
    const needed = takenBy(wanted, files);
    if (stored + declared + needed > storeMb * mebibyte)
      throw new ApiError(
        "model_store_full",
        `the store of models has ${megabytes(stored)} of ${megabytes(storeMb * mebibyte)} (SIGHTLINE_MODEL_STORE_MB), and ${megabytes(needed)} are needed; delete uploaded versions first`,
      );
    const id = randomBytes(6).toString("hex");
    const job: ModelJob = {
      wanted,
      files,
      state: "uploading",
      createdTime: new Date().toISOString(),
      attempts: 0,
    };
    const read = modelJobSchema.safeParse(job);
    if (!read.success) throw new ApiError("invalid_argument", z.prettifyError(read.error));
    await store.put(id, job);
    return toJobMessage(id, job);
  }

  /** Whether workers report the model, or it is on its way to them. */
  #isThere(model: string): boolean {
    const { store, catalog, versions } = this.#parts;
    return (
      catalog.find(model) !== undefined ||
      versions.workers(model).length > 0 ||
      store.stored(model).length > 0 ||
      store
        .jobs()
        .some(
          ([, { wanted, state }]) =>
            wanted.kind === "import" && wanted.model === model && !endedStates.has(state),
        )
    );
  }

  #readModel({ model: name, version, precision }: EvaluatedModelMessage): EvaluatedModel {
    const model = readModelName(name);
    if (!this.#isThere(model)) throw new ApiError("model_not_served", `no worker has a model '${model}'`);
    if (precision !== "" && precision !== "int8" && precision !== "fp32")
      throw new ApiError(
        "invalid_argument",
        `'${precision.slice(0, 32)}' is not a precision; expected int8 or fp32`,
      );
    return {
      model,
      ...(version === "" ? {} : { version: chooseVersion(model, this.#parts.versions.find(model), version) }),
      ...(precision === "" ? {} : { precision }),
    };
  }

  #find(name: string): { id: string; job: ModelJob } {
    const id = jobIdOf(name);
    const job = isModelJobId(id) ? this.#parts.store.find(id) : undefined;
    if (!job)
      throw new ApiError(
        "model_job_not_found",
        `there is no job '${name.replace(/^modelJobs\//, "").slice(0, 64)}'`,
      );
    return { id, job };
  }

  async #changed(id: string, change: (job: ModelJob) => ModelJob | undefined): Promise<ModelJobMessage> {
    const job = await this.#parts.store.change(id, change);
    if (!job) throw new ApiError("model_job_not_found", `there is no job '${id}' any more`);
    return toJobMessage(id, job);
  }
}

/** @throws ApiError invalid_argument unless exactly these files are given, each once */
function readFiles(files: readonly ModelJobFile[], names: readonly UploadedFile["name"][]): UploadedFile[] {
  return names.map((name) => {
    const [file, more] = files.filter((each) => each.name === name);
    if (!file || more || files.length !== names.length)
      throw new ApiError(
        "invalid_argument",
        `expected the files ${names.join(" and ")}, each once, with their sizes`,
      );
    if (!Number.isSafeInteger(file.sizeBytes) || file.sizeBytes < 1)
      throw new ApiError("invalid_argument", `the file '${name}' is empty`);
    return { name, fileName: file.fileName.slice(0, 255), bytes: file.sizeBytes };
  });
}

/** Most bytes that a job needs: what is prepared from an export is about as large as the export. */
function takenBy({ kind }: ModelJob["wanted"], files: readonly UploadedFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0) * (kind === "import" ? 2 : 1);
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / mebibyte)} MiB`;
}
