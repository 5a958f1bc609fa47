import { access, mkdir, mkdtemp, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KV } from "@nats-io/kv";
import type { StoredVersion } from "@sightline/contracts";
import type { KvMirror, Logger } from "@sightline/service";
import {
  MANIFEST_FILE,
  modelManifestSchema,
  modelVersion,
  parseManifest,
  readManifest,
} from "@sightline/yolo-nas";
import { WorkerError } from "../errors.ts";
import { listVersions, modelRoots, VERSIONS_FOLDER } from "../model-directory.ts";
import { fetchFile } from "./job-files.ts";

/** Marks a version that was fetched: only such versions are ever removed. */
const markFile = ".fetched";
const retryMs = 10_000;

/**
 * Keeps on this machine's disk the versions of models that were added through the API. Each version appears completely or
 * not at all, and its digests are checked. They go into the last of the model directories.
 */
export class StoredVersions {
  readonly #records: KvMirror<StoredVersion>;
  readonly #files: KV;
  readonly #directory: string;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  /** Versions that could not be fetched, by key. */
  readonly #faults = new Map<string, { model: string; version: string; why: string }>();
  #following: Promise<void> = Promise.resolve();
  #behind = false;
  #timer: NodeJS.Timeout | undefined;
  #unsubscribe = () => {};

  constructor(records: KvMirror<StoredVersion>, files: KV, directory: string, log: Logger) {
    this.#records = records;
    this.#files = files;
    this.#directory = directory;
    this.#log = log;
  }

  /** Resolves when every version stored now is here or has failed; failed ones are tried again. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#records.onChange(() => void this.#follow());
    this.#timer = setInterval(() => void this.#follow(), retryMs);
    await this.#follow();
  }

  /** Versions that could not be fetched, and why. */
  get faults(): { model: string; version: string; why: string }[] {
    return [...this.#faults.values()];
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#timer);
    this.#unsubscribe();
    await this.#following;
  }

  /** One pass after the other; a request made while another one waits is combined with it. */
  #follow(): Promise<void> {
    if (this.#behind) return this.#following;
    this.#behind = true;
    this.#following = this.#following.then(async () => {
      this.#behind = false;
      const records = this.#records
        .keys()
        .map((key) => [key, this.#records.get(key)!] as const)
        // On every machine, the first version of a new model is in the model's own folder.
        .sort(([, a], [, b]) => Date.parse(a.createdTime) - Date.parse(b.createdTime));
      for (const [key, record] of records) {
        if (this.#stopping.signal.aborted) return;
        await this.#bring(record).then(
          () => this.#faults.delete(key),
          (error: Error) => this.#say(key, record, error),
        );
      }
    });
    return this.#following;
  }

  #say(key: string, { model, version }: StoredVersion, error: Error): void {
    const { message: why } = error;
    if (this.#stopping.signal.aborted || this.#faults.get(key)?.why === why) return;
    this.#faults.set(key, { model, version, why });
    this.#log.error(
      { model, version, err: error },
      "an uploaded version of a model could not be stored on this machine's disk; trying again",
    );
  }

  async #bring(record: StoredVersion): Promise<void> {
    const { model, version, deletedTime } = record;
    const isHere = (await listVersions(this.#directory, model)).includes(version);
    if (deletedTime) return isHere ? this.#remove(record) : undefined;
    if (!isHere) await this.#fetch(record);
  }

  /** @throws WorkerError stored_file_broken when the content in NATS is not what was stored; also the errors of the disk */
  async #fetch(record: StoredVersion): Promise<void> {
    const { model, version, isOwn, files, holder } = record;
    const manifest = modelManifestSchema.parse(record.manifest);
    const named = Object.values(manifest.files);
    if (modelVersion(manifest.files) !== version || manifest.name !== model)
      throw new WorkerError("stored_file_broken", "its model.json belongs to another version");
    const root = modelRoots(this.#directory).at(-1)!;
    await mkdir(root, { recursive: true });
    const partial = await mkdtemp(join(root, `.${model}.partial-`));
    try {
      for (const { file, sha256 } of named) {
        const kept = files.find(({ name }) => name === file);
        if (!kept) throw new WorkerError("stored_file_broken", `its file ${file} was not stored`);
        await fetchFile(this.#files, holder, { ...kept, sha256 }, join(partial, file), this.#stopping.signal);
      }
      await writeFile(join(partial, markFile), `${version}\n`);
      await writeFile(join(partial, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
      await readManifest(join(partial, MANIFEST_FILE));
      await this.#place(partial, join(root, model), version, isOwn);
      this.#log.info({ model, version }, "an uploaded version of a model is now on this machine's disk");
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  }

  /**
   * Another worker on this machine may do the same at the same time: one of them renames the folder, and the other finds it
   * there.
   */
  async #place(partial: string, own: string, version: string, isOwn: boolean): Promise<void> {
    const isFree = await access(own).then(
      () => false,
      () => true,
    );
    if (!(isOwn && isFree)) await mkdir(join(own, VERSIONS_FOLDER), { recursive: true });
    const folder = isOwn && isFree ? own : join(own, VERSIONS_FOLDER, version);
    try {
      await rename(partial, folder);
    } catch (error) {
      const there = await parseManifest(join(folder, MANIFEST_FILE)).catch(() => undefined);
      if (!there || modelVersion(there.files) !== version) throw error;
    }
  }

  async #remove({ model, version }: StoredVersion): Promise<void> {
    for (const root of modelRoots(this.#directory))
      for (const folder of [join(root, model, VERSIONS_FOLDER, version), join(root, model)]) {
        const mark = await readFile(join(folder, markFile), "utf8").catch(() => "");
        if (mark.trim() !== version) continue;
        const manifest = await parseManifest(join(folder, MANIFEST_FILE));
        // First the file that makes it a version.
        await rm(join(folder, MANIFEST_FILE));
        for (const { file } of Object.values(manifest.files)) await rm(join(folder, file), { force: true });
        await rm(join(folder, markFile), { force: true });
        // A model's own folder may contain further versions.
        for (const each of [folder, join(root, model, VERSIONS_FOLDER), join(root, model)])
          await rmdir(each).catch(() => undefined);
        this.#log.info(
          { model, version },
          "a deleted version of a model was removed from this machine's disk",
        );
      }
  }
}
