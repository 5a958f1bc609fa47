import { setTimeout as delay } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import {
  buckets,
  encodeJson,
  inspectionKey,
  type ModelJob,
  pieceCount,
  pieceKey,
  type StoredVersion,
  storedVersionKey,
} from "@sightline/contracts";
import { isJetStreamFailure, type KvMirror, type Nats } from "@sightline/service";
import { ApiError } from "../../errors.ts";

export interface JobStoreParts {
  nats: Nats;
  jobs: { kv: KV; mirror: KvMirror<ModelJob> };
  stored: { kv: KV; mirror: KvMirror<StoredVersion> };
  files: KV;
}

const retryMs = 250;
/** How long a change is retried while NATS does not answer. */
const patienceMs = 15_000;
const filesStream = `KV_${buckets.modelFiles}`;

/** Jobs on models, versions created through the API, and the files of both, in NATS. Every method throws ApiError registry_unavailable. */
export class JobStore {
  readonly #parts: JobStoreParts;

  constructor(parts: JobStoreParts) {
    this.#parts = parts;
  }

  /** Jobs by id, newest first, without inspections. */
  jobs(): [string, ModelJob][] {
    return this.#all().filter(([, { wanted }]) => wanted.kind !== "inspect");
  }

  /** Inspections by key, newest first. */
  inspections(): [string, ModelJob][] {
    return this.#all().filter(([, { wanted }]) => wanted.kind === "inspect");
  }

  find(id: string): ModelJob | undefined {
    return this.#parts.jobs.mirror.get(id);
  }

  findInspection(model: string, version: string): ModelJob | undefined {
    return this.find(inspectionKey(model, version));
  }

  /** Versions created through the API and not deleted, of one model or all. */
  stored(model?: string): StoredVersion[] {
    const { mirror } = this.#parts.stored;
    return mirror.keys().flatMap((key) => {
      const record = mirror.get(key)!;
      return record.deletedTime || (model !== undefined && record.model !== model) ? [] : [record];
    });
  }

  /** A version created through the API, even a deleted one. */
  findStored(model: string, version: string): StoredVersion | undefined {
    return this.#parts.stored.mirror.get(storedVersionKey(model, version));
  }

  /** Writes a job; with `overwrites`, replaces an existing one with this id. */
  async put(id: string, job: ModelJob): Promise<void> {
    const { kv, mirror } = this.#parts.jobs;
    await patient(async () => mirror.applyPut(id, await kv.put(id, encodeJson(job)), job));
  }

  /** Changes a job unless it was deleted; `change` may be called again, and returns undefined for no change. Returns the resulting job. */
  async change(id: string, change: (job: ModelJob) => ModelJob | undefined): Promise<ModelJob | undefined> {
    const { kv, mirror } = this.#parts.jobs;
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const job = mirror.get(id);
      const revision = mirror.revision(id);
      const next = job && change(job);
      if (!next || revision === undefined) return job;
      try {
        await patient(async () => mirror.applyPut(id, await kv.update(id, encodeJson(next), revision), next));
        return next;
      } catch (error) {
        if (!isJetStreamFailure(error, "wrongLastSequence")) throw error;
        if (performance.now() > deadline) throw unavailable(error);
        // The watch delivers what another process wrote.
        await delay(20);
      }
    }
  }

  /** Deletes a job and its uploaded files. */
  async forget(id: string): Promise<void> {
    const { kv, mirror } = this.#parts.jobs;
    const job = mirror.get(id);
    const revision = mirror.revision(id);
    if (!job || revision === undefined) return;
    await this.purgeLeft(id, job);
    await patient(() => kv.purge(id));
    mirror.applyDelete(id, revision);
  }

  async putPiece(id: string, file: string, piece: number, content: Uint8Array): Promise<void> {
    await patient(() => this.#parts.files.put(pieceKey(id, file, piece), content));
  }

  /** Whether all pieces of a file have been uploaded. */
  async isWhole(id: string, file: string, bytes: number): Promise<boolean> {
    return patient(async () => {
      let count = 0;
      for await (const _ of await this.#parts.files.keys(`${id}.${file}.>`)) count++;
      return count === pieceCount(bytes);
    });
  }

  /** Deletes a job's uploads; its results stay. */
  async purgeUploads(id: string, { files }: Pick<ModelJob, "files">): Promise<void> {
    for (const { name } of files) await this.purgeFile(id, name);
  }

  /** Deletes all files of a job, except those of a version that it made. */
  async purgeLeft(id: string, job: Pick<ModelJob, "files">): Promise<void> {
    if (this.stored().some(({ holder }) => holder === id)) await this.purgeUploads(id, job);
    else await this.#purge(`${id}.>`);
  }

  /** Deletes files without a job and a version, which a worker may leave if it ends while storing them. */
  async purgeOrphans(): Promise<void> {
    const { files, jobs } = this.#parts;
    const holders = new Set<string>();
    for await (const key of await files.keys()) holders.add(key.slice(0, key.indexOf(".")));
    for (const { holder } of this.stored()) holders.delete(holder);
    // The mirror may not know yet about a job that another process has just created.
    for (const holder of holders)
      if ((await jobs.kv.get(holder))?.operation !== "PUT") await this.#purge(`${holder}.>`);
  }

  async purgeFile(holder: string, file: string): Promise<void> {
    await this.#purge(`${holder}.${file}.>`);
  }

  async #purge(keys: string): Promise<void> {
    const filter = `$KV.${buckets.modelFiles}.${keys}`;
    await patient(() => this.#parts.nats.manager.streams.purge(filesStream, { filter }));
  }

  /** Bytes that all files use. */
  async bytes(): Promise<number> {
    return patient(async () => (await this.#parts.files.status()).streamInfo.state.bytes);
  }

  /** Enters a version for workers to fetch. Can be repeated. */
  async enter(record: StoredVersion): Promise<void> {
    const { kv, mirror } = this.#parts.stored;
    const key = storedVersionKey(record.model, record.version);
    await patient(async () => mirror.applyPut(key, await kv.put(key, encodeJson(record)), record));
  }

  #all(): [string, ModelJob][] {
    const { mirror } = this.#parts.jobs;
    return mirror
      .keys()
      .map((id): [string, ModelJob] => [id, mirror.get(id)!])
      .sort(([, a], [, b]) => Date.parse(b.createdTime) - Date.parse(a.createdTime));
  }
}

/**
 * @throws ApiError registry_unavailable when NATS does not answer for 15 s, model_store_full when it has no room, and the error that
 * another client wrote first
 */
async function patient<T>(action: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;)
    try {
      return await action();
    } catch (cause) {
      if (isJetStreamFailure(cause, "wrongLastSequence")) throw cause;
      if (
        isJetStreamFailure(cause, "insufficientStorage") ||
        isJetStreamFailure(cause, "maximumBytesExceeded")
      )
        throw new ApiError("model_store_full", "NATS has no room left on its disk for the file", { cause });
      if (performance.now() > deadline) throw unavailable(cause);
      await delay(retryMs);
    }
}

function unavailable(cause: unknown): ApiError {
  return new ApiError("registry_unavailable", "the store of models does not answer (NATS); try again", {
    cause,
  });
}
