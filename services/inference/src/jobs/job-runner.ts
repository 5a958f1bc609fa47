import { mkdtemp, readdir, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { encodeJson, type ModelJob, type ModelJobOutcome, modelJobOutcomeSchema } from "@sightline/contracts";
import type { Logger } from "@sightline/service";
import { YoloNasError } from "@sightline/yolo-nas";
import { WorkerError } from "../errors.ts";
import { storeFile } from "./job-files.ts";
import { hasModels, type JobSources, prepareTask } from "./job-preparation.ts";
import { runJobProcess } from "./job-process.ts";
import type { JobRecords } from "./job-records.ts";

export interface JobRunnerParts extends JobSources {
  /** The worker's name. */
  worker: string;
  records: JobRecords;
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
        if (job.state !== "waiting" || this.#running.has(lane) || !(await hasModels(this.#parts, job)))
          continue;
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
    const task = await prepareTask(this.#parts, id, job, folder, signal);
    const limits = { memoryMib: config.modelJobMemoryMb, minutes: config.modelJobMinutes };
    const outcome = await runJobProcess(task, limits, this.#follow(id), signal);
    if (outcome.kind !== "import" || task.kind !== "import") return storable(outcome as ModelJobOutcome);
    storable({ ...outcome, files: [] });
    const stored = [];
    for (const { file } of outcome.inspection.files)
      stored.push(await storeFile(files, id, file, join(task.out, file), signal));
    return { ...outcome, files: stored };
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
