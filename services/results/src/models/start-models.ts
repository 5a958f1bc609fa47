import type { Buckets, Lifecycle, Logger, Nats, PictureClient } from "@sightline/service";
import type { ModelCatalog } from "../cameras/model-catalog.ts";
import type { Mirrors } from "../mirrors.ts";
import { Activations } from "./activations.ts";
import { JobKeeper } from "./jobs/job-keeper.ts";
import { JobService } from "./jobs/job-service.ts";
import { JobStore } from "./jobs/job-store.ts";
import { VersionFiles } from "./jobs/version-files.ts";
import { ModelService } from "./model-service.ts";
import { ShadowReports } from "./shadows/shadow-reports.ts";
import { ShadowService } from "./shadows/shadow-service.ts";
import { VersionRecords } from "./version-records.ts";

/** What the rest of the service uses of models. */
export interface ModelParts {
  service: ModelService;
  shadows: ShadowService;
  jobs: JobService;
  files: VersionFiles;
  shadowReports: ShadowReports;
  versionRecords: VersionRecords;
  /** Ids of the cameras that use a model. */
  camerasOf: (model: string) => string[];
}

export interface ModelSettings {
  /** MiB of one uploaded file (0: no uploads), and of all files together. */
  modelUploadMb: number;
  modelStoreMb: number;
}

/** Starts the parts for versions, shadows, imports and evaluations of models; they are stopped through `life`. */
export function startModels(
  { modelUploadMb: uploadMb, modelStoreMb: storeMb }: ModelSettings,
  nats: Nats,
  buckets: Buckets,
  { records, rules, shadows, reports, versions, workers, jobs, stored }: Mirrors,
  catalog: ModelCatalog,
  pictures: PictureClient,
  requireCamera: (camera: string) => unknown,
  log: Logger,
  life: Lifecycle,
): ModelParts {
  const shadowReports = life.add(
    new ShadowReports({
      ...{ nats, log, client: pictures, cameras: records, pictures: buckets.shadowPictures },
      shadows: { kv: buckets.modelShadows, mirror: shadows },
      reports: { kv: buckets.shadowReports, mirror: reports },
    }),
  );
  shadowReports.start();
  const versionRecords = life.add(new VersionRecords(buckets.modelVersions, versions, workers, log));
  const store = new JobStore({
    ...{ nats, files: buckets.modelFiles },
    jobs: { kv: buckets.modelJobs, mirror: jobs },
    stored: { kv: buckets.modelStore, mirror: stored },
  });
  life.add(new JobKeeper(store, versionRecords, log)).start();
  const camerasOf = (model: string) =>
    records.keys().filter((camera) => records.get(camera)?.model === model);
  const cameras = () => ({
    records: new Map(records.keys().map((camera) => [camera, records.get(camera)!])),
    rules: (camera: string) => rules.get(camera),
  });
  const jobParts = { store, catalog, versions: versionRecords };
  return {
    service: new ModelService(catalog, versionRecords, new Activations(versionRecords, log), cameras, store),
    shadows: new ShadowService(shadowReports, catalog, versionRecords, requireCamera),
    jobs: new JobService({ ...jobParts, uploadMb, storeMb }),
    files: new VersionFiles({ ...jobParts, cameras: camerasOf }),
    shadowReports,
    versionRecords,
    camerasOf,
  };
}
