import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pieceBytes, pieceCount } from "@sightline/contracts";
import {
  ImportSettingsMessage as ImportSettings,
  type ModelInspection,
  type ModelJobMessage as ModelJob,
  ModelServiceClient,
} from "@sightline/contracts/api";
import type { CallSettings } from "./calls.ts";
import type { Connection } from "./connection.ts";
import { isPassing, SightlineError } from "./errors.ts";

/** How long, and how often, sending of pieces is retried while the server is away. */
const [patienceMs, retryMs] = [60_000, 500];

/** How an exported model is imported. */
export interface ImportOptions extends CallSettings {
  /** Whether the model must be new; otherwise the import becomes a version of it. True unless given. */
  isNew?: boolean | undefined;
  /** Facts that override those of the family found in the file. */
  settings?: Partial<ImportSettings> | undefined;
  /** Called after each piece. */
  onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** A model to score. */
export interface Evaluated {
  model: string;
  /** Its number or the first digits of its digest; the active one unless given. */
  version?: string | undefined;
  /** Default: what a worker would run on a CPU. */
  precision?: "int8" | "fp32" | undefined;
}

/** How models are scored. */
export interface EvaluationOptions extends CallSettings {
  /** Boxes taller than this many pixels also get scores of their own; 32 unless given. */
  minHeight?: number | undefined;
  onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

interface FileToSend {
  name: string;
  path: string;
}

/**
 * Imports and evaluations of models, and descriptions of versions. Every method throws SightlineError, and the system's error when a file
 * cannot be read.
 *
 * @example
 * ```ts
 * const job = await client.modelJobs.importModel("packages/yolo-nas/fixtures/exports/raw-static.onnx", "tried");
 * assert.equal(job.model, "models/tried");
 * await client.modelJobs.delete(job.name.slice("modelJobs/".length));
 * ```
 */
export class ModelJobs {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Uploads an ONNX export; a worker then makes a model, or a version of a model, from it. Returns the job at its start; `get` shows its
   * progress. ALREADY_EXISTS when the model must be new and its name is taken.
   */
  async importModel(path: string, model: string, options: ImportOptions = {}): Promise<ModelJob> {
    const { isNew = true, settings, onProgress, ...call } = options;
    const file = { name: "export", path };
    const request = {
      model: `models/${model}`,
      isNew,
      settings: settings && ImportSettings.fromPartial(settings),
      file: await describe(file),
    };
    const created = jobOf(
      await this.#connection.call(ModelServiceClient, (client) => client.createModelImport, request, call),
    );
    return this.#send(created, [file], onProgress, call);
  }

  /** Uploads a clip and its COCO annotations; a worker then scores one or two models on it. */
  async evaluate(
    models: readonly Evaluated[],
    { clip, labels }: { clip: string; labels: string },
    options: EvaluationOptions = {},
  ): Promise<ModelJob> {
    const { minHeight = 0, onProgress, ...call } = options;
    const files = [
      { name: "clip", path: clip },
      { name: "labels", path: labels },
    ];
    const request = {
      models: models.map(({ model, version = "", precision = "" }) => ({
        ...{ model: `models/${model}`, version, precision },
      })),
      minHeight,
      files: await Promise.all(files.map(describe)),
    };
    const created = jobOf(
      await this.#connection.call(
        ModelServiceClient,
        (client) => client.createModelEvaluation,
        request,
        call,
      ),
    );
    return this.#send(created, files, onProgress, call);
  }

  /** Unfinished jobs and the most recent finished ones, newest first. */
  async list(call: CallSettings = {}): Promise<ModelJob[]> {
    const { jobs } = await this.#connection.call(
      ModelServiceClient,
      (client) => client.listModelJobs,
      {},
      call,
    );
    return jobs;
  }

  /** NOT_FOUND when there is no job with this id. */
  async get(id: string, call: CallSettings = {}): Promise<ModelJob> {
    const request = { name: jobName(id) };
    return jobOf(
      await this.#connection.call(ModelServiceClient, (client) => client.getModelJob, request, call),
    );
  }

  /** Ends an unfinished job. */
  async cancel(id: string, call: CallSettings = {}): Promise<ModelJob> {
    const request = { name: jobName(id) };
    return jobOf(
      await this.#connection.call(ModelServiceClient, (client) => client.cancelModelJob, request, call),
    );
  }

  /** Ends the job if it is unfinished, and deletes it; a version that it created stays. */
  async delete(id: string, call: CallSettings = {}): Promise<void> {
    const request = { name: jobName(id) };
    await this.#connection.call(ModelServiceClient, (client) => client.deleteModelJob, request, call);
  }

  /** Describes a version; undefined while a worker examines it for the first time. */
  async inspect(
    model: string,
    version: string,
    call: CallSettings = {},
  ): Promise<ModelInspection | undefined> {
    const request = { name: `models/${model}/versions/${version}` };
    const { inspection } = await this.#connection.call(
      ModelServiceClient,
      (client) => client.inspectModelVersion,
      request,
      call,
    );
    return inspection;
  }

  /** Deletes an uploaded version. FAILED_PRECONDITION when it is active or served. */
  async deleteVersion(model: string, version: string, call: CallSettings = {}): Promise<void> {
    const request = { name: `models/${model}/versions/${version}` };
    await this.#connection.call(ModelServiceClient, (client) => client.deleteModelVersion, request, call);
  }

  /** Sends the files of a job and starts it; if the files cannot be sent, the job is deleted. */
  async #send(
    { name }: ModelJob,
    files: readonly FileToSend[],
    onProgress: ((doneBytes: number, totalBytes: number) => void) | undefined,
    call: CallSettings,
  ): Promise<ModelJob> {
    try {
      const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
      const total = sizes.reduce((sum, size) => sum + size, 0);
      let done = 0;
      for (const [index, { name: file, path }] of files.entries())
        for await (const { piece, content } of piecesOf(path, sizes[index]!)) {
          const request = { name, file, piece, content };
          await patiently(call, () =>
            this.#connection.call(ModelServiceClient, (client) => client.uploadModelJobPiece, request, call),
          );
          done += content.byteLength;
          onProgress?.(done, total);
        }
      return jobOf(
        await patiently(call, () =>
          this.#connection.call(ModelServiceClient, (client) => client.startModelJob, { name }, call),
        ),
      );
    } catch (error) {
      await this.delete(name.slice("modelJobs/".length)).catch(() => undefined);
      throw error;
    }
  }
}

/** Repeats a call, which must be safe to repeat, while the server is away: a restart must not lose what was already sent. */
async function patiently<T>({ signal }: CallSettings, call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;)
    try {
      return await call();
    } catch (error) {
      const isOver = signal?.aborted || performance.now() > deadline;
      const mayPass = error instanceof SightlineError && error.code !== "CANCELLED" && isPassing(error, true);
      if (isOver || !mayPass) throw error;
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
    }
}

async function describe({ name, path }: FileToSend) {
  return { name, fileName: basename(path), sizeBytes: (await stat(path)).size };
}

async function* piecesOf(path: string, bytes: number): AsyncGenerator<{ piece: number; content: Buffer }> {
  const file = await open(path);
  try {
    for (let piece = 0; piece < pieceCount(bytes); piece++) {
      const content = Buffer.alloc(Math.min(pieceBytes, bytes - piece * pieceBytes));
      const { bytesRead } = await file.read(content, 0, content.byteLength, piece * pieceBytes);
      yield { piece, content: content.subarray(0, bytesRead) };
    }
  } finally {
    await file.close();
  }
}

function jobName(id: string): string {
  return `modelJobs/${id}`;
}

function jobOf({ job }: { job?: ModelJob | undefined }): ModelJob {
  if (!job) throw new SightlineError("INTERNAL", "the server's answer has no job");
  return job;
}
