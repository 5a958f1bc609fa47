import { type CameraRecord, type CameraRules, toTimestamp } from "@sightline/contracts";
import {
  type ActivateModelRequest,
  type ActivateModelResponse,
  type ListModelVersionsRequest,
  type ListModelVersionsResponse,
  Model,
  ModelVersion,
  type RollbackModelRequest,
  type RollbackModelResponse,
} from "@sightline/contracts/api";
import type { ModelCatalog } from "../cameras/model-catalog.ts";
import { ApiError } from "../errors.ts";
import type { Activated, Activations } from "./activations.ts";
import type { JobStore } from "./jobs/job-store.ts";
import { chooseVersion, modelName, readModelName, readVersionName, versionName } from "./model-name.ts";
import type { VersionRecords } from "./version-records.ts";

const timeoutLimitSeconds = 3_600;
const defaultTimeoutMs = 120_000;

/** The calls of ModelService. Every method throws ApiError. */
export class ModelService {
  readonly #catalog: ModelCatalog;
  readonly #records: VersionRecords;
  readonly #activations: Activations;
  readonly #cameras: () => CamerasOfModel;
  readonly #store: Pick<JobStore, "findStored">;

  constructor(
    catalog: ModelCatalog,
    records: VersionRecords,
    activations: Activations,
    cameras: () => CamerasOfModel,
    store: Pick<JobStore, "findStored">,
  ) {
    this.#store = store;
    this.#catalog = catalog;
    this.#records = records;
    this.#activations = activations;
    this.#cameras = cameras;
  }

  list(): Model[] {
    return this.#catalog.names().flatMap((name) => {
      const served = this.#catalog.find(name);
      if (!served) return [];
      const { active, previous } = this.#records.find(name);
      return Model.fromPartial({
        name: modelName(name),
        architecture: served.architecture,
        classes: served.classes,
        width: served.width,
        height: served.height,
        activeVersion: active ?? served.version ?? "",
        previousVersion: previous ?? "",
        workers: this.#records.workers(name).length,
      });
    });
  }

  /** Uploaded versions that a worker could not store on its disk, in words. */
  faults(): string[] {
    return this.#records
      .workers()
      .flatMap(({ host, unfetched = [] }) =>
        unfetched.map(
          ({ model, version, why }) =>
            `the worker on ${host} could not bring version ${version} of model '${model}' to its disk: ${why}`,
        ),
      );
  }

  /** @throws ApiError model_not_found */
  listVersions({ parent }: ListModelVersionsRequest): ListModelVersionsResponse {
    const model = readModelName(parent);
    const { versions } = this.#records.find(model);
    if (versions.length === 0 && !this.#catalog.find(model))
      throw new ApiError(
        "model_not_found",
        `there is no model '${model}'; served now: ${this.#catalog.names().join(", ") || "none"}`,
      );
    return { versions: versions.map(({ version }) => this.#version(model, version)) };
  }

  async activate(
    { name, timeout }: ActivateModelRequest,
    signal: AbortSignal,
  ): Promise<ActivateModelResponse> {
    const { model, version } = readVersionName(name);
    const choose = (record: Parameters<typeof chooseVersion>[1]) =>
      this.#refuseDeleted(model, chooseVersion(model, record, version));
    return this.#answer(
      model,
      await this.#activations.activate(model, choose, milliseconds(timeout), signal),
    );
  }

  /** @throws ApiError activation_failed when there is no previous version */
  async rollback(
    { name, timeout }: RollbackModelRequest,
    signal: AbortSignal,
  ): Promise<RollbackModelResponse> {
    const model = readModelName(name);
    const choose = ({ previous }: { previous?: string | undefined }) => {
      if (previous !== undefined) return this.#refuseDeleted(model, previous);
      throw new ApiError("activation_failed", `model '${model}' has no version that was active before`);
    };
    return this.#answer(
      model,
      await this.#activations.activate(model, choose, milliseconds(timeout), signal),
    );
  }

  /** Workers keep a deleted version on their disks until they notice the deletion. @throws ApiError model_version_not_found */
  #refuseDeleted(model: string, version: string): string {
    if (this.#store.findStored(model, version)?.deletedTime === undefined) return version;
    throw new ApiError(
      "model_version_not_found",
      `version ${version} of model '${model}' was deleted; upload it again to activate it`,
    );
  }

  #answer(model: string, { version, classes, late }: Activated): ActivateModelResponse {
    const warnings = classWarnings(model, classes, this.#cameras());
    for (const { id, modelVersion, versionFault } of late)
      warnings.push(
        `worker ${id} still serves version ${modelVersion}${versionFault ? `: ${versionFault}` : ""}`,
      );
    return { version: this.#version(model, version), warnings };
  }

  #version(model: string, version: string): ModelVersion {
    const { active, previous, versions } = this.#records.find(model);
    const index = versions.findIndex((known) => known.version === version);
    const workers = this.#records.workers(model);
    const having = workers.filter((worker) => worker.versions?.includes(version)).length;
    const seenTime = versions[index]?.seenTime;
    const stored = this.#store.findStored(model, version);
    return ModelVersion.fromPartial({
      name: versionName(model, version),
      version,
      number: index + 1,
      active: version === (active ?? this.#catalog.find(model)?.version),
      previous: version === previous,
      uploaded: stored !== undefined && stored.deletedTime === undefined,
      servingWorkers: workers.filter(({ modelVersion }) => modelVersion === version).length,
      workersWith: having,
      workersWithout: workers.length - having,
      ...(seenTime === undefined ? {} : { seenTime: toTimestamp(Date.parse(seenTime)) }),
    });
  }
}

/** @throws ApiError invalid_argument */
function milliseconds(timeout: { seconds: number; nanos: number } | undefined): number {
  if (!timeout) return defaultTimeoutMs;
  const ms = timeout.seconds * 1000 + timeout.nanos / 1e6;
  if (ms > 0 && ms <= timeoutLimitSeconds * 1000) return ms;
  throw new ApiError("invalid_argument", `timeout must be more than 0 and at most ${timeoutLimitSeconds} s`);
}

/** Settings and rules of cameras, by their ids. */
export interface CamerasOfModel {
  records: ReadonlyMap<string, Pick<CameraRecord, "model" | "classes">>;
  rules: (camera: string) => Pick<CameraRules, "rules"> | undefined;
}

/** Warnings for cameras of a model, and for their rules, about classes that are not among `classes`. */
export function classWarnings(model: string, classes: readonly string[], cameras: CamerasOfModel): string[] {
  const known = new Set(classes);
  const unknown = (names: readonly string[]) => [...new Set(names.filter((name) => !known.has(name)))];
  const listed = (names: readonly string[]) => names.map((name) => `'${name}'`).join(", ");
  const warnings: string[] = [];
  for (const [camera, record] of cameras.records) {
    if (record.model !== model) continue;
    const filtered = unknown(record.classes);
    if (filtered.length > 0)
      warnings.push(
        `camera ${camera} publishes only some classes, and this version does not know ${listed(filtered)} of them`,
      );
    for (const rule of cameras.rules(camera)?.rules ?? []) {
      const missing = unknown(rule.classes);
      if (missing.length > 0)
        warnings.push(
          `the rule '${rule.name}' of camera ${camera} names ${listed(missing)}, which this version does not know`,
        );
    }
  }
  return warnings;
}
