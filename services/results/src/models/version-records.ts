import { setTimeout as delay } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import {
  decodeJson,
  encodeJson,
  type ModelVersions,
  modelVersionsSchema,
  type WorkerInfo,
} from "@sightline/contracts";
import { isJetStreamFailure, type KvMirror, type Logger } from "@sightline/service";
import { ApiError } from "../errors.ts";

const retryMs = 250;
/** How long a change is retried while NATS does not answer. */
const patienceMs = 15_000;
const none: ModelVersions = { versions: [] };

/** The version of each model that all workers should serve. Between several results services the revision decides. */
export class VersionRecords {
  readonly #kv: KV;
  readonly #mirror: KvMirror<ModelVersions>;
  readonly #workers: KvMirror<WorkerInfo>;
  readonly #log: Logger;
  readonly #unsubscribe: () => void;
  /** Models whose new versions are being entered. */
  readonly #noting = new Set<string>();

  constructor(kv: KV, mirror: KvMirror<ModelVersions>, workers: KvMirror<WorkerInfo>, log: Logger) {
    this.#kv = kv;
    this.#mirror = mirror;
    this.#workers = workers;
    this.#log = log;
    this.#unsubscribe = workers.onChange(({ value }) => value && this.#note(value.model));
    for (const { model } of this.workers()) this.#note(model);
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
  }

  find(model: string): ModelVersions {
    return this.#mirror.get(model) ?? none;
  }

  /** Live workers, of one model or all. */
  workers(model?: string): WorkerInfo[] {
    const all = this.#workers.keys().flatMap((id) => this.#workers.get(id) ?? []);
    return model === undefined ? all : all.filter((worker) => worker.model === model);
  }

  /**
   * Changes a model's record with `change`, which gets the present record and may be called again; undefined means no change. An error of
   * `change` is passed on.
   * @throws ApiError registry_unavailable when NATS does not answer for 15 s
   */
  async change(
    model: string,
    change: (record: ModelVersions) => ModelVersions | undefined,
  ): Promise<ModelVersions> {
    const deadline = performance.now() + patienceMs;
    for (;;)
      try {
        const entry = await this.#kv.get(model);
        const isThere = entry?.operation === "PUT";
        const record = isThere ? decodeJson(modelVersionsSchema, entry.value) : none;
        const next = change(record);
        if (!next) return record;
        const data = encodeJson(next);
        const revision = entry
          ? await this.#kv.update(model, data, entry.revision)
          : await this.#kv.create(model, data);
        this.#mirror.applyPut(model, revision, next);
        return next;
      } catch (cause) {
        if (cause instanceof ApiError) throw cause;
        if (isJetStreamFailure(cause, "wrongLastSequence")) continue;
        if (performance.now() > deadline)
          throw new ApiError(
            "registry_unavailable",
            "the store of models does not answer (NATS); try again",
            {
              cause,
            },
          );
        await delay(retryMs);
      }
  }

  /** Enters versions that workers report for the first time. */
  #note(model: string): void {
    const told = () => [
      ...new Set(
        this.workers(model).flatMap(({ modelVersion, versions = [] }) =>
          modelVersion === undefined ? versions : [modelVersion, ...versions],
        ),
      ),
    ];
    const missing = ({ versions }: ModelVersions) =>
      told().filter((version) => !versions.some((known) => known.version === version));
    if (this.#noting.has(model) || missing(this.find(model)).length === 0) return;
    this.#noting.add(model);
    const enter = (record: ModelVersions) => {
      const found = missing(record);
      if (found.length === 0) return undefined;
      const seenTime = new Date().toISOString();
      return {
        ...record,
        versions: [...record.versions, ...found.map((version) => ({ version, seenTime }))],
      };
    };
    this.change(model, enter)
      .catch((error: Error) => this.#log.warn({ model, err: error }, "versions of a model not entered"))
      .finally(() => this.#noting.delete(model));
  }
}
