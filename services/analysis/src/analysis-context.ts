import type { CameraRules } from "@sightline/contracts";
import type { Buckets, CameraStatusView, KvMirror, Nats, ServerClock, Tracing } from "@sightline/service";
import type { AnalysisMetrics } from "./analysis-metrics.ts";
import type { EventPictures } from "./pictures/event-pictures.ts";
import type { Stalls } from "./stall.ts";
import type { StreamDamage } from "./stream-damage.ts";

/** The buckets that the analysis reads or writes. */
export const analysisBuckets = [
  "cameras",
  "cameraStatus",
  "cameraRules",
  "analysisState",
  "leases",
  "holders",
  "streamMakings",
] as const satisfies (keyof Buckets)[];
export type AnalysisBuckets = Pick<Buckets, (typeof analysisBuckets)[number]>;

/** What the analyses of all cameras share. */
export interface AnalysisContext {
  nats: Nats;
  buckets: AnalysisBuckets;
  serverClock: Pick<ServerClock, "ageMs">;
  /** Longest time that a frame waits for the one before it, in milliseconds. */
  reorderWindowMs: number;
  status: CameraStatusView;
  rules: KvMirror<CameraRules>;
  metrics: AnalysisMetrics;
  stalls: Pick<Stalls, "tell">;
  streamDamage: Pick<StreamDamage, "requireReadable" | "natsReturned">;
  tracing: Pick<Tracing, "record">;
  pictures: EventPictures;
}
