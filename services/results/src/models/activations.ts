import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ModelVersions, WorkerInfo } from "@sightline/contracts";
import type { Logger } from "@sightline/service";
import { ApiError } from "../errors.ts";
import type { VersionRecords } from "./version-records.ts";

const pollMs = 50;
/** How long the workers may take to switch once all are ready. */
const changeLimitMs = 20_000;

/** The result of an activation. */
export interface Activated {
  version: string;
  /** Classes of the version. */
  classes: readonly string[];
  /** Workers that have not switched yet. */
  late: readonly WorkerInfo[];
}

/**
 * Makes a version of a model active in two steps. First every worker loads it beside the version that it serves, tests it, and reports the
 * result. When all are ready, the record names it as active, and all switch. Until then nothing has changed, whichever process is killed;
 * from then on, new workers use the version too.
 */
export class Activations {
  readonly #records: VersionRecords;
  readonly #log: Logger;

  constructor(records: VersionRecords, log: Logger) {
    this.#records = records;
    this.#log = log;
  }

  /**
   * `choose` selects the version, given the record.
   * @throws ApiError model_not_served, activation_failed, activation_superseded, registry_unavailable, and what `choose` throws
   */
  async activate(
    model: string,
    choose: (record: ModelVersions) => string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Activated> {
    const activation = randomUUID();
    const asked = this.#asked(model);
    const version = choose(this.#records.find(model));
    const lacking = asked.filter(({ versions }) => !versions?.includes(version));
    if (lacking.length > 0)
      throw new ApiError(
        "activation_failed",
        `version ${version} of model '${model}' is not on the disk of ${named(lacking)}; \`sightline model install\` puts it there`,
      );
    await this.#records.change(model, (record) => ({ ...record, candidate: { activation, version } }));
    const serving = asked.find(({ modelVersion }) => modelVersion !== undefined)?.modelVersion;
    try {
      const classes = await this.#allReady(model, activation, timeoutMs, signal);
      await this.#records.change(model, (record) => commit(record, activation, version, serving));
      const late = await this.#allChanged(model, version);
      this.#log.info({ model, version, before: serving }, "another version of a model is active");
      return { version, classes, late };
    } catch (error) {
      await this.#withdraw(model, activation);
      throw error;
    }
  }

  #asked(model: string): WorkerInfo[] {
    const workers = this.#records.workers(model);
    if (workers.length === 0)
      throw new ApiError(
        "model_not_served",
        `no worker serves model '${model}' now, so none could try the version`,
      );
    const old = workers.filter(({ modelVersion }) => modelVersion === undefined);
    if (old.length > 0)
      throw new ApiError(
        "activation_failed",
        `of an earlier release, without versions, ${are(old)} ${named(old)}`,
      );
    return workers;
  }

  /** Resolves with the version's classes when every worker is ready. */
  async #allReady(
    model: string,
    activation: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const deadline = performance.now() + timeoutMs;
    const seen = new Map<string, WorkerInfo>();
    for (;;) {
      const workers = this.#records.workers(model);
      const answer = ({ candidate }: WorkerInfo) =>
        candidate?.activation === activation ? candidate : undefined;
      const failed = workers.filter((worker) => answer(worker)?.state === "failed");
      if (failed.length > 0)
        throw new ApiError(
          "activation_failed",
          `nothing has changed: ${failed.map((worker) => `${label(worker)}: ${answer(worker)!.message}`).join("; ")}`,
        );
      const gone = [...seen.values()].filter(({ id }) => !workers.some((worker) => worker.id === id));
      if (gone.length > 0)
        throw new ApiError(
          "activation_failed",
          `nothing has changed: ${named(gone)} ended, or lost NATS, while the version was tried out`,
        );
      for (const worker of workers) seen.set(worker.id, worker);
      const waiting = workers.filter((worker) => answer(worker)?.state !== "ready");
      if (waiting.length === 0 && workers[0]) return answer(workers[0])!.classes ?? [];
      if (this.#records.find(model).candidate?.activation !== activation) throw superseded(model);
      if (performance.now() > deadline)
        throw new ApiError(
          "activation_failed",
          `nothing has changed: the version is not ready after ${Math.round(timeoutMs / 1000)} s on ${named(waiting)}`,
        );
      if (signal.aborted) throw new ApiError("activation_failed", "nothing has changed: the caller has gone");
      await delay(pollMs);
    }
  }

  /** Workers that have not switched in time. */
  async #allChanged(model: string, version: string): Promise<WorkerInfo[]> {
    const deadline = performance.now() + changeLimitMs;
    for (;;) {
      const late = this.#records.workers(model).filter(({ modelVersion }) => modelVersion !== version);
      if (late.length === 0 || performance.now() > deadline) return late;
      await delay(pollMs);
    }
  }

  async #withdraw(model: string, activation: string): Promise<void> {
    const without = ({ candidate, ...record }: ModelVersions) =>
      candidate?.activation === activation ? record : undefined;
    await this.#records
      .change(model, without)
      .catch((error: Error) => this.#log.warn({ model, err: error }, "a candidate could not be withdrawn"));
  }
}

/** The record with the candidate as active version. Can be repeated when it is not known whether the write succeeded. */
function commit(
  record: ModelVersions,
  activation: string,
  version: string,
  serving: string | undefined,
): ModelVersions | undefined {
  const { candidate, active, previous, ...rest } = record;
  if (!candidate && active === version) return undefined;
  if (candidate?.activation !== activation) throw superseded("");
  const before = active ?? serving;
  const back = before === version ? previous : before;
  return { ...rest, active: version, ...(back === undefined ? {} : { previous: back }) };
}

function superseded(model: string): ApiError {
  return new ApiError(
    "activation_superseded",
    `another activation of model ${model === "" ? "" : `'${model}' `}took the place of this one, which changed nothing`,
  );
}

function label({ id, host }: WorkerInfo): string {
  return id.startsWith(host) ? `worker ${id}` : `worker ${id} on ${host}`;
}

function named(workers: readonly WorkerInfo[]): string {
  return workers.map(label).join(", ");
}

function are(many: readonly unknown[]): string {
  return many.length === 1 ? "is" : "are";
}
