import type { KV } from "@nats-io/kv";
import {
  Backoff,
  type CameraRecord,
  CameraStatus,
  ingestPresence,
  type RecordStream,
} from "@sightline/contracts";
import {
  type KvMirror,
  LeaseAssignment,
  LeaseSession,
  type Logger,
  type PreparedWork,
} from "@sightline/service";
import { CameraRunner, type RunnerContext } from "./camera-runner.ts";
import { readIngestCamera } from "./camera-settings.ts";
import { reconnectRange } from "./start-limit.ts";

const kind = "camera";

/** In memory: registered cameras, which process holds each, and the live sessions. */
export interface AssignmentView {
  records: KvMirror<CameraRecord>;
  recordStreams: KvMirror<RecordStream>;
  holders: KvMirror<string>;
  leases: KvMirror<string>;
}

/** Runs the cameras whose leases this process holds. */
export function assignCameras(
  view: AssignmentView,
  parts: Omit<RunnerContext, "isSure">,
  log: Logger,
): LeaseAssignment<CameraRecord, CameraRunner> {
  const { nats, buckets, secrets } = parts;
  const session = new LeaseSession(nats, buckets, kind, log);
  const context = { ...parts, isSure: () => session.settled };
  const { records, recordStreams } = view;
  const settingsOf = (camera: string, record: CameraRecord) =>
    readIngestCamera(secrets, camera, record, recordStreams.get(camera));
  // A camera's failures still count after its lease is lost and comes back, here or in another process.
  const backoffs = new Map<string, Backoff>();
  records.onChange(({ key, value }) => {
    if (!value) backoffs.delete(key);
  });
  const backoffOf = async (camera: string): Promise<Backoff> => {
    const known = backoffs.get(camera);
    const status = await lastStatus(buckets.cameraStatus, camera);
    // If another process has held the camera since, the failures that it reported count instead.
    if (known && (status === undefined || status.ingest === context.ingest)) return known;
    const backoff = new Backoff(reconnectRange, { failures: status?.failedAttempts ?? 0 });
    backoffs.set(camera, backoff);
    return backoff;
  };
  const make = async (camera: string, record: CameraRecord) =>
    new CameraRunner(camera, await settingsOf(camera, record), await backoffOf(camera), context, log);
  const assignment = new LeaseAssignment<CameraRecord, CameraRunner>(
    {
      ...view,
      session,
      kind,
      identify: ({ createTime }) => createTime,
      presence: ingestPresence,
      begin: async (camera, record) => {
        const runner = await make(camera, record);
        runner.begin();
        return runner;
      },
      update: async (runner, camera, record) => runner.update(await settingsOf(camera, record)),
      handover: { nats, prepare: async (camera, record) => prepared(await make(camera, record)) },
    },
    log,
  );
  recordStreams.onChange(({ key }) => assignment.tellAgain(key));
  return assignment;
}

/** A runner that prepares while another process still holds the camera. */
function prepared(runner: CameraRunner): PreparedWork<CameraRunner> {
  const begin = () => {
    runner.begin();
    return runner;
  };
  return {
    ready: runner.ready,
    get isNear() {
      return runner.receives;
    },
    begin,
    stop: () => runner.stop("lost"),
  };
}

/** The last status that a holder of this camera wrote. */
async function lastStatus(statuses: KV, camera: string): Promise<CameraStatus | undefined> {
  const entry = await statuses.get(camera);
  return entry?.operation === "PUT" ? CameraStatus.decode(entry.value) : undefined;
}
