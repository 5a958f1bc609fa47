import { inspectionKey, type ModelJob } from "@sightline/contracts";
import type { InspectModelVersionResponse } from "@sightline/contracts/api";
import type { ModelCatalog } from "../../cameras/model-catalog.ts";
import { ApiError } from "../../errors.ts";
import { chooseVersion, readVersionName } from "../model-name.ts";
import type { VersionRecords } from "../version-records.ts";
import { toInspectionMessage } from "./job-message.ts";
import type { JobStore } from "./job-store.ts";

/** After this time a worker inspects it again: accuracy results are stored beside files that stay the same. */
const freshMs = 10 * 60_000;

export interface VersionFilesParts {
  store: JobStore;
  catalog: ModelCatalog;
  versions: VersionRecords;
  /** Ids of the cameras that use a model. */
  cameras: (model: string) => string[];
}

/** The content of model versions, and the deletion of those created through the API. Every method throws ApiError. */
export class VersionFiles {
  readonly #parts: VersionFilesParts;

  constructor(parts: VersionFilesParts) {
    this.#parts = parts;
  }

  /** @throws ApiError model_version_not_found, invalid_argument */
  async inspect({ name }: { name: string }): Promise<InspectModelVersionResponse> {
    const { model, version } = this.#choose(name);
    const { store } = this.#parts;
    const known = store.findInspection(model, version);
    const age = known?.endedTime === undefined ? 0 : Date.now() - Date.parse(known.endedTime);
    if (!known || (known.state === "done" && age > freshMs)) {
      const asked: ModelJob = {
        wanted: { kind: "inspect", model, version },
        ...{ files: [], state: "waiting", createdTime: new Date().toISOString(), attempts: 0 },
        ...(known?.outcome ? { outcome: known.outcome } : {}),
      };
      await store.put(inspectionKey(model, version), asked);
    }
    const message =
      known?.state === "failed"
        ? (known.fault ?? "")
        : known?.state === "done"
          ? ""
          : "a worker looks at its files";
    return known?.outcome?.kind === "inspect"
      ? { inspection: toInspectionMessage(known.outcome.inspection), message: "" }
      : { inspection: undefined, message };
  }

  /** @throws ApiError model_version_not_found, model_version_in_use, invalid_argument */
  async delete({ name }: { name: string }): Promise<void> {
    const { model, version } = this.#choose(name);
    const { store, versions, cameras } = this.#parts;
    const stored = store.stored(model).find((each) => each.version === version);
    const refuse = (why: string) =>
      new ApiError("model_version_in_use", `version ${version} of model '${model}' ${why}`);
    if (!stored) throw refuse("was not uploaded; remove it where it was installed");
    const { active, candidate } = versions.find(model);
    if (active === version) throw refuse("is active; activate another first");
    if (candidate?.version === version) throw refuse("is being activated now");
    if (versions.workers(model).some(({ modelVersion }) => modelVersion === version))
      throw refuse("is served by a worker now; activate another first");
    const users = cameras(model);
    if (stored.isOwn && users.length > 0)
      throw refuse(`is what the model began with, and ${users.length} cameras ask for the model`);
    const further = store.stored(model).length - 1;
    if (stored.isOwn && further > 0)
      throw refuse(
        `is what the model began with, by which workers find its further versions; delete ${further === 1 ? "that" : `these ${further}`} first`,
      );
    await store.enter({ ...stored, deletedTime: new Date().toISOString() });
    for (const file of stored.files) await store.purgeFile(stored.holder, file.name);
    // A rollback to a deleted version is not possible. The version keeps its number.
    await versions.change(model, ({ previous, ...record }) => (previous === version ? record : undefined));
  }

  #choose(name: string): { model: string; version: string } {
    const { model, version } = readVersionName(name);
    const { store, catalog, versions } = this.#parts;
    // A model that no worker has loaded only shows the version that would be loaded.
    const served = catalog.find(model)?.version;
    const others = [
      ...store.stored(model).map((each) => each.version),
      ...(served === undefined ? [] : [served]),
    ];
    if (others.includes(version)) return { model, version };
    return { model, version: chooseVersion(model, versions.find(model), version) };
  }
}
