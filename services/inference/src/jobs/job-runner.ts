import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import {
  type EvaluatedModel,
  encodeJson,
  type ModelJob,
  type ModelJobOutcome,
  type ModelVersions,
  modelJobOutcomeSchema,
} from "@sightline/contracts";
import { findFfmpeg } from "@sightline/rtsp";
import type { KvMirror, Logger } from "@sightline/service";
import { YoloNasError } from "@sightline/yolo-nas";
import type { InferenceConfig } from "../config.ts";
import { engineCandidates } from "../engine-choice.ts";
import { WorkerError } from "../errors.ts";
import { findModel, type LocatedModel, listVersions } from "../model-directory.ts";
import { fetchFile, storeFile } from "./job-files.ts";
import { runJobProcess } from "./job-process.ts";
import type { JobRecords } from "./job-records.ts";
import type { JobTask, ScoredModel } from "./job-task.ts";

export interface JobRunnerParts {
  /** The worker's name. */
  worker: string;
  config: InferenceConfig;
  records: JobRecords;
  files: KV;
  /** Which version of each model is active. */
  wanted: Pick<KvMirror<ModelVersions>, "get">;
  log: Logger;
}

const lookMs = 1_000;
/** A job's outcome is sent over NATS and the API in one message, together with others. */
const mostOutcomeBytes = 512 * 1024;
/** Most characters of a job's failure message. */
const mostFaultLength = 4_000;
/** Time between two reports of a job's progress. */
const progressMs = 1_000;
/** How often, and at what interval, the end of a job is reported while NATS cannot be reached. */
const [tries, retryMs] = [60, 1_000];

/** Prefix of a job's folder: it names the owner. Containers that share a disk have different host names. */
const folderPrefix = `sightline-job-${hostname().replace(/[^a-zA-Z0-9]/g, "")}-`;

type Lane = "heavy" | "light";
const laneOf = ({ wanted }: ModelJob): Lane => (wanted.kind === "inspect" ? "light" : "heavy");

/**
 * Takes model jobs one at a time, and in parallel the quick ones that only look at files. Each runs in its own process, and
 * only on a worker that has the job's models on its disk.
 */
export class JobRunner {
  readonly #parts: JobRunnerParts;
  readonly #running = new Map<Lane, { id: string; stop: AbortController; done: Promise<void> }>();
  #timer: NodeJS.Timeout | undefined;
  #unsubscribe = () => {};
  #looking = false;
  #stopped = false;

  constructor(parts: JobRunnerParts) {
    this.#parts = parts;
  }

  start(): void {
    void removeLeftFolders();
    this.#unsubscribe = this.#parts.records.onChange(() => void this.#look());
    this.#timer = setInterval(() => void this.#look(), lookMs);
  }

  /** Ends the running jobs; another worker, or this one after a restart, begins them again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#unsubscribe();
    for (const { stop } of this.#running.values()) stop.abort();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #look(): Promise<void> {
    for (const { id, stop } of this.#running.values()) if (!this.#isMine(id)) stop.abort();
    if (this.#looking || this.#stopped) return;
    this.#looking = true;
    try {
      for (const [id, job] of this.#parts.records.all()) {
        const lane = laneOf(job);
        if (job.state !== "waiting" || this.#running.has(lane) || !(await this.#isForMe(job))) continue;
        if (await this.#claim(id)) this.#begin(id, lane);
        if (this.#stopped) return;
      }
    } catch (error) {
      this.#parts.log.debug({ err: error }, "cannot look for model jobs now; trying again");
    } finally {
      this.#looking = false;
    }
  }

  #isMine(id: string): boolean {
    const job = this.#parts.records.find(id);
    return job?.state === "running" && job.worker === this.#parts.worker;
  }

  async #isForMe({ wanted }: ModelJob): Promise<boolean> {
    const { modelDirectory } = this.#parts.config;
    if (wanted.kind === "import")
      return wanted.isNew || (await listVersions(modelDirectory, wanted.model)).length > 0;
    const models = wanted.kind === "inspect" ? [wanted] : wanted.models;
    for (const { model, version } of models) {
      const found = await listVersions(modelDirectory, model);
      const needed = version ?? this.#parts.wanted.get(model)?.active;
      if (needed === undefined ? found.length === 0 : !found.includes(needed)) return false;
    }
    return true;
  }

  #claim(id: string): Promise<boolean> {
    const { records, worker } = this.#parts;
    return records.change(id, ({ progress: _, fault: __, ...job }) => ({
      ...job,
      ...{ state: "running", worker, attempts: job.attempts + 1, startedTime: new Date().toISOString() },
    }));
  }

  #begin(id: string, lane: Lane): void {
    const stop = new AbortController();
    const done = this.#do(id, stop.signal).finally(() => {
      this.#running.delete(lane);
      void this.#look();
    });
    this.#running.set(lane, { id, stop, done });
  }

  async #do(id: string, signal: AbortSignal): Promise<void> {
    const { log, records } = this.#parts;
    const job = records.find(id)!;
    log.info({ job: id, kind: job.wanted.kind }, "a model job begins");
    const folder = await mkdtemp(join(tmpdir(), `${folderPrefix}${process.pid}-`)).catch(
      (error: Error) => error,
    );
    try {
      if (folder instanceof Error)
        throw new WorkerError("job_failed", `the worker cannot store the job's files: ${folder.message}`, {
          cause: folder,
        });
      const outcome = await this.#outcome(id, job, folder, signal);
      await this.#end(id, {
        state: job.wanted.kind === "import" ? "prepared" : "done",
        outcome,
      });
      log.info({ job: id }, "a model job is done");
    } catch (error) {
      if (signal.aborted) log.info({ job: id }, "a model job was ended");
      else {
        const fault = this.#words(error as Error, String(folder)).slice(0, mostFaultLength);
        log.warn({ job: id, err: error }, "a model job failed");
        await this.#end(id, { state: "failed", fault });
      }
    } finally {
      if (typeof folder === "string") await rm(folder, { recursive: true, force: true });
    }
  }

  async #outcome(id: string, job: ModelJob, folder: string, signal: AbortSignal): Promise<ModelJobOutcome> {
    const { config, files } = this.#parts;
    const task = await this.#task(id, job, folder, signal);
    const limits = { memoryMib: config.modelJobMemoryMb, minutes: config.modelJobMinutes };
    const outcome = await runJobProcess(task, limits, this.#follow(id), signal);
    if (outcome.kind !== "import" || task.kind !== "import") return storable(outcome as ModelJobOutcome);
    storable({ ...outcome, files: [] });
    const stored = [];
    for (const { file } of outcome.inspection.files)
      stored.push(await storeFile(files, id, file, join(task.out, file), signal));
    return { ...outcome, files: stored };
  }

  /** Fetches the job's files. */
  async #task(
    id: string,
    { wanted, files: uploads }: ModelJob,
    folder: string,
    signal: AbortSignal,
  ): Promise<JobTask> {
    const { config, files } = this.#parts;
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
      const beside = isNew ? undefined : (await this.#located({ model })).manifest;
      return { kind: "import", model, settings, path: await fetched("export", "export.onnx"), out, beside };
    }
    const models: ScoredModel[] = [];
    for (const each of wanted.models) models.push(await this.#scored(each));
    return {
      ...{ kind: "evaluate", models, minHeight: wanted.minHeight },
      ffmpeg: await findFfmpeg(config.ffmpegPath),
      clip: await fetched("clip", "clip"),
      labels: await fetched("labels", "labels.json"),
    };
  }

  /** The requested version: the named one, the active one, or the one in the model's own folder. */
  async #located({ model, version }: Pick<EvaluatedModel, "model" | "version">): Promise<LocatedModel> {
    const { config, wanted } = this.#parts;
    return findModel(config.modelDirectory, model, version ?? wanted.get(model)?.active);
  }

  /** The file that a CPU would run: a GPU is busy with cameras. */
  async #scored({ model, version, precision }: EvaluatedModel): Promise<ScoredModel> {
    const located = await this.#located({ model, version });
    const { candidates, refusals } = engineCandidates(located, "cpu", precision ?? "auto");
    const [engine] = candidates;
    if (!engine) throw new WorkerError("job_failed", refusals.map(({ reason }) => reason).join("; "));
    return { model, version: located.version, encoding: engine.encoding, path: engine.path };
  }

  #follow(id: string): (done: number, total: number) => void {
    const { records } = this.#parts;
    let toldAt = 0;
    return (done, total) => {
      if (performance.now() - toldAt < progressMs) return;
      toldAt = performance.now();
      // The job is reported again soon.
      if (this.#isMine(id))
        records.change(id, (job) => ({ ...job, progress: { done, total } })).catch(() => undefined);
    };
  }

  async #end(id: string, told: Pick<ModelJob, "state" | "outcome" | "fault">): Promise<void> {
    const { records, log } = this.#parts;
    for (let attempt = 0; attempt < tries && this.#isMine(id); attempt++) {
      try {
        const endedTime = new Date().toISOString();
        if (await records.change(id, ({ progress: _, ...job }) => ({ ...job, ...told, endedTime }))) return;
      } catch (error) {
        log.debug({ job: id, err: error }, "the end of a job could not be reported yet; trying again");
      }
      await delay(retryMs / 10);
      if (this.#stopped) return;
    }
  }

  #words(error: Error, folder: string): string {
    const { code } = error as NodeJS.ErrnoException;
    const message = error.message.replaceAll(`${folder}/`, "");
    if (code === "ENOSPC") return `the worker's disk is full: ${message}; free some, and try again`;
    // These say what was wrong with the job; what else failed says it of itself.
    const isOfJob = error instanceof WorkerError || error instanceof YoloNasError || /^E/.test(code ?? "");
    return isOfJob ? message : `the worker could not do it: ${message}`;
  }
}

/**
 * A file may contain names of any length. An outcome too large for others to read would leave a job that nobody sees and
 * that never ends.
 * @throws WorkerError job_failed
 */
function storable(outcome: ModelJobOutcome): ModelJobOutcome {
  const read = modelJobOutcomeSchema.safeParse(outcome);
  const { byteLength } = encodeJson(outcome);
  if (!read.success)
    throw new WorkerError(
      "job_failed",
      `the file's description cannot be stored (${read.error.issues[0]?.path.join(".")}: ${read.error.issues[0]?.message}); give its tensors and classes shorter names`,
    );
  if (byteLength > mostOutcomeBytes)
    throw new WorkerError(
      "job_failed",
      `the file's description takes ${Math.ceil(byteLength / 1024)} KiB, but at most ${mostOutcomeBytes / 1024} KiB can be stored; give it fewer classes, or shorter names`,
    );
  return outcome;
}

/** Removes the folders of workers on this machine that were killed. */
async function removeLeftFolders(): Promise<void> {
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const id = name.startsWith(folderPrefix) ? Number.parseInt(name.slice(folderPrefix.length), 10) : NaN;
    if (id === process.pid || (id > 0 && !isAlive(id)))
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
