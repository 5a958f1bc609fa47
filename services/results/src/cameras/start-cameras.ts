import {
  type Buckets,
  CameraSecrets,
  type CameraStatusView,
  type Lifecycle,
  type Logger,
  type Nats,
  SecretKeys,
} from "@sightline/service";
import type { Mirrors } from "../mirrors.ts";
import { Admission } from "./admission.ts";
import { CameraEntries } from "./camera-entries.ts";
import { CameraRegistry } from "./camera-registry.ts";
import { CameraService } from "./camera-service.ts";
import { CameraWatchers } from "./camera-watchers.ts";
import { FloorClaims } from "./floor-claims.ts";
import { KeptSecrets } from "./kept-secrets.ts";
import { ModelCatalog } from "./model-catalog.ts";
import { RecordStreams } from "./record-streams.ts";

/** What the rest of the service uses of cameras. */
export interface CameraParts {
  registry: CameraRegistry;
  watchers: CameraWatchers;
  catalog: ModelCatalog;
  service: CameraService;
}

/**
 * Starts the registration of cameras and the notifications about them; its parts are stopped through `life`.
 * @param siteOf the site that owns a camera with this name at the centre
 */
export async function startCameras(
  config: { secretsKeyFile?: string | undefined; defaultModel: string },
  nats: Nats,
  buckets: Buckets,
  mirrors: Mirrors,
  status: CameraStatusView,
  siteOf: (camera: string) => string | undefined,
  log: Logger,
  life: Lifecycle,
): Promise<CameraParts> {
  const { records } = mirrors;
  const keys = config.secretsKeyFile === undefined ? undefined : SecretKeys.open(config.secretsKeyFile);
  const secrets = new CameraSecrets(buckets, keys, log);
  if (keys) await life.add(new KeptSecrets(nats, secrets, keys, log)).start();
  const recordStreams = new RecordStreams(
    new CameraEntries(buckets.recordStreams, mirrors.recordStreams),
    secrets,
  );
  const shares = new CameraEntries(buckets.cameraShares, mirrors.shares);
  const registry = new CameraRegistry(buckets.cameras, secrets, records, recordStreams, shares);
  const watchers = life.add(new CameraWatchers(registry, records, recordStreams, shares, status));
  const workersNow = () => mirrors.workers.keys().flatMap((id) => mirrors.workers.get(id) ?? []);
  const catalog = new ModelCatalog(config.defaultModel, mirrors.models, workersNow);
  const floorClaims = new FloorClaims(buckets.floorClaims, () => registry.caughtUp(), log);
  const admission = new Admission(registry, workersNow, (camera) => status.find(camera), floorClaims);
  const service = new CameraService(registry, status, catalog, admission, siteOf);
  return { registry, watchers, catalog, service };
}
