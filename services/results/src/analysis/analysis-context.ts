import type { CameraRules, Event } from "@sightline/contracts";
import type { Buckets, KvMirror, Nats, Tracing } from "@sightline/service";
import type { CameraStatusView } from "../cameras/camera-status-view.ts";
import type { AnalysisMetrics } from "./analysis-metrics.ts";

/** What the analyses of all cameras share. */
export interface AnalysisContext {
  nats: Nats;
  buckets: Buckets;
  /** Longest time that a frame waits for the one before it, in milliseconds. */
  reorderWindowMs: number;
  status: CameraStatusView;
  rules: KvMirror<CameraRules>;
  metrics: AnalysisMetrics;
  tracing: Pick<Tracing, "record">;
  /** Is told of each event that this process has published, a camera's in order. */
  published: (event: Event) => void;
}
