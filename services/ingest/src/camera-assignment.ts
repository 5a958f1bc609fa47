import type { CameraRecord } from "@sightline/contracts";
import { type KvMirror, LeaseAssignment, type Logger } from "@sightline/service";
import { CameraRunner, type RunnerContext } from "./camera-runner.ts";
import { readSettings } from "./camera-settings.ts";

/** First part of the keys under which ingests show that they are there. */
export const ingestPresence = "ingest";

/** Registered cameras and held leases in memory. */
export interface AssignmentView {
  records: KvMirror<CameraRecord>;
  leases: KvMirror<string>;
}

/** Runs the cameras whose leases this process gets. */
export function assignCameras(
  { records, leases }: AssignmentView,
  context: RunnerContext,
  log: Logger,
): LeaseAssignment<CameraRecord, CameraRunner> {
  const { buckets, ingest } = context;
  const settingsOf = (camera: string, record: CameraRecord) =>
    readSettings(buckets.cameraSecrets, camera, record);
  return new LeaseAssignment(
    {
      records,
      kv: buckets.leases,
      leases,
      kind: "camera",
      presence: ingestPresence,
      holder: ingest,
      begin: async (camera, record) =>
        new CameraRunner(camera, await settingsOf(camera, record), context, log),
      update: async (runner, camera, record) => runner.update(await settingsOf(camera, record)),
    },
    log,
  );
}
