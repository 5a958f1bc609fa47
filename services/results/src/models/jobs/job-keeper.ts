import type { ModelJob, StoredVersion } from "@sightline/contracts";
import type { Logger } from "@sightline/service";
import type { VersionRecords } from "../version-records.ts";
import type { JobStore } from "./job-store.ts";

const tickMs = 500;
/** Most ended jobs that are kept, and most inspections; the oldest are deleted first. */
const [mostKept, mostInspections] = [20, 200];
const uploadLimitMs = 60 * 60_000;
/** A worker not seen for this long has ended. */
const goneMs = 5_000;
const mostAttempts = 2;
/** If a job waits this long while no other runs, no worker will take it. */
const waitLimitMs = 2 * 60_000;
/** A failed inspection may be requested again after this time. */
const failedInspectionMs = 30_000;
const sweepMs = 60 * 60_000;

export const endedStates: ReadonlySet<ModelJob["state"]> = new Set(["done", "failed", "cancelled"]);

/** Manages jobs in every results process: enters what workers have made, gives jobs of ended workers to others, and cleans up. */
export class JobKeeper {
  readonly #store: JobStore;
  readonly #versions: VersionRecords;
  readonly #log: Logger;
  readonly #goneSince = new Map<string, number>();
  /** Jobs whose uploads have been deleted. */
  readonly #cleared = new Set<string>();
  #sweepAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #ticking: Promise<void> | undefined;

  constructor(store: JobStore, versions: VersionRecords, log: Logger) {
    this.#store = store;
    this.#versions = versions;
    this.#log = log;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#ticking ??= this.#tick()
        .catch((error: Error) => this.#log.debug({ err: error }, "jobs on models could not be checked"))
        .finally(() => (this.#ticking = undefined));
    }, tickMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#ticking;
  }

  async #tick(): Promise<void> {
    if (performance.now() >= this.#sweepAt) {
      this.#sweepAt = performance.now() + sweepMs;
      await this.#store.purgeOrphans();
    }
    const inspections = this.#store.inspections();
    for (const [id, job] of [...this.#store.jobs(), ...inspections]) {
      if (job.state === "prepared") await this.#enter(id, job);
      else if (job.state === "running") await this.#watch(id, job);
      else if (job.state === "waiting") await this.#wait(id, job);
      else if (job.state === "uploading" && ageOf(job.createdTime) > uploadLimitMs)
        await this.#fail(id, "its files did not come within an hour");
      else if (endedStates.has(job.state)) await this.#clear(id, job);
      if (job.state !== "running") this.#goneSince.delete(id);
    }
    const ended = this.#store.jobs().filter(([, { state }]) => endedStates.has(state));
    for (const [id] of [...ended.slice(mostKept), ...inspections.slice(mostInspections)])
      await this.#store.forget(id);
    for (const [id, { state, endedTime }] of inspections)
      if (state === "failed" && ageOf(endedTime) > failedInspectionMs) await this.#store.forget(id);
  }

  /** The result of a worker becomes a version that all workers fetch. */
  async #enter(id: string, job: ModelJob): Promise<void> {
    const { outcome, wanted } = job;
    if (outcome?.kind !== "import" || wanted.kind !== "import")
      return void this.#fail(id, "its result is incomplete");
    const { version, manifest, files, inspection } = outcome;
    const { model, isNew } = wanted;
    const known = this.#store.stored(model).find((each) => each.version === version);
    if (known && known.holder !== id) {
      for (const { name } of files) await this.#store.purgeFile(id, name);
    } else {
      const createdTime = new Date().toISOString();
      const record: StoredVersion = {
        model,
        version,
        isOwn: isNew,
        manifest,
        files,
        holder: id,
        createdTime,
      };
      await this.#store.enter(record);
    }
    const inspected: ModelJob = {
      wanted: { kind: "inspect", model, version },
      outcome: { kind: "inspect", inspection },
      ...{ files: [], state: "done", attempts: 1, createdTime: job.createdTime, endedTime: job.endedTime },
    };
    await this.#store.put(`inspect.${model}.${version}`, inspected);
    const seenTime = new Date().toISOString();
    await this.#versions.change(model, (record) =>
      record.versions.some((each) => each.version === version)
        ? undefined
        : { ...record, versions: [...record.versions, { version, seenTime }] },
    );
    await this.#store.change(id, (now) => (now.state === "prepared" ? { ...now, state: "done" } : undefined));
    this.#log.info({ model, version }, "a model was uploaded; workers fetch it");
  }

  /** A job whose worker has ended is given to another. */
  async #watch(id: string, { worker, attempts }: ModelJob): Promise<void> {
    if (this.#versions.workers().some((each) => each.id === worker)) {
      this.#goneSince.delete(id);
      return;
    }
    const since = this.#goneSince.get(id) ?? performance.now();
    this.#goneSince.set(id, since);
    if (performance.now() - since < goneMs) return;
    if (attempts >= mostAttempts)
      await this.#fail(id, `the worker that had it, ${worker}, ended, as the one before it did`);
    else
      await this.#store.change(id, ({ worker: _, startedTime: __, progress: ___, ...now }) =>
        now.state === "running" && now.attempts === attempts ? { ...now, state: "waiting" } : undefined,
      );
  }

  async #wait(id: string, { createdTime }: ModelJob): Promise<void> {
    const others = this.#store.jobs().filter(([other]) => other !== id);
    if (others.some(([, { state }]) => state === "running")) return;
    const quietFor = Math.min(ageOf(createdTime), ...others.map(([, { endedTime }]) => ageOf(endedTime)));
    if (quietFor > waitLimitMs)
      await this.#fail(
        id,
        "no worker took it: none that has the models on its disk does such work (SIGHTLINE_MODEL_JOB_MEMORY_MB), or none runs",
      );
  }

  async #fail(id: string, fault: string): Promise<void> {
    const endedTime = new Date().toISOString();
    await this.#store.change(id, (job) =>
      endedStates.has(job.state) ? undefined : { ...job, state: "failed", fault, endedTime },
    );
  }

  /** Deletes uploads that are not needed any more, and results of a job that did not become a version. */
  async #clear(id: string, job: ModelJob): Promise<void> {
    if (this.#cleared.has(id)) return;
    await this.#store.purgeLeft(id, job);
    this.#cleared.add(id);
  }
}

/** Milliseconds since this time; Infinity without one. */
function ageOf(time: string | undefined): number {
  return time === undefined ? Infinity : Date.now() - Date.parse(time);
}
