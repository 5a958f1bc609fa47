import type { CameraRecord, CameraRules } from "@sightline/contracts";
import type {
  CameraStatusView,
  KvMirror,
  Lifecycle,
  Logger,
  Nats,
  ServerClock,
  SnapshotStore,
  Tracing,
} from "@sightline/service";
import type { Registry } from "prom-client";
import type { AnalysisBuckets } from "./analysis-context.ts";
import { LiveAnalysis } from "./live-analysis.ts";
import { startPictures } from "./pictures/event-pictures.ts";

/** What the analysis needs. It belongs to the process, which ends it after the analysis. */
export interface AnalysisParts {
  nats: Nats;
  buckets: AnalysisBuckets;
  /** The content of these buckets, kept up to date; all have been read once. */
  mirrors: {
    records: KvMirror<CameraRecord>;
    holders: KvMirror<string>;
    leases: KvMirror<string>;
    rules: KvMirror<CameraRules>;
  };
  cameraStatus: CameraStatusView;
  serverClock: Pick<ServerClock, "ageMs">;
  tracing: Pick<Tracing, "record">;
  /** Where pictures of events are stored. */
  snapshots: SnapshotStore;
  /** For the metrics of the analysis. */
  prometheus: Registry;
}

/**
 * Follows the objects of the cameras whose leases this process holds, applies their rules, and takes pictures of events.
 * Frames come from the stream DETECTIONS; tracks and events go to TIMELINE and EVENTS. Stopped through `life`.
 */
export async function startAnalysis(
  parts: AnalysisParts,
  config: { reorderWindowMs: number },
  log: Logger,
  life: Lifecycle,
): Promise<void> {
  const { nats, buckets, cameraStatus: status, serverClock, tracing, snapshots, prometheus } = parts;
  const { rules, ...view } = parts.mirrors;
  const pictures = startPictures(nats, snapshots, prometheus, log, life);
  const { reorderWindowMs } = config;
  const context = { nats, buckets, serverClock, reorderWindowMs, status, rules, tracing, pictures };
  await life.add(new LiveAnalysis(view, context, prometheus, log)).start();
}
