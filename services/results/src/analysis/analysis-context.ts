import type { CameraRules, Event } from "@sightline/contracts";
import type { Buckets, KvMirror, Nats, ServerClock, Tracing } from "@sightline/service";
import type { CameraStatusView } from "../cameras/camera-status-view.ts";
import type { Stalls } from "../http/findings/stalls.ts";
import type { FrameAge } from "../snapshots/snapshot-claims.ts";
import type { AnalysisMetrics } from "./analysis-metrics.ts";

/** What the analyses of all cameras share. */
export interface AnalysisContext {
  nats: Nats;
  buckets: Buckets;
  serverClock: Pick<ServerClock, "ageMs">;
  /** Longest time that a frame waits for the one before it, in milliseconds. */
  reorderWindowMs: number;
  status: CameraStatusView;
  rules: KvMirror<CameraRules>;
  metrics: AnalysisMetrics;
  stalls: Pick<Stalls, "tell">;
  tracing: Pick<Tracing, "record">;
  /** Is given each event before it is published, to take from it the name of a picture that cannot be had. */
  settlePicture: (event: Event, age: FrameAge) => Promise<void>;
  /**
   * Is told of each event that this process has published, a camera's in order; and before them of those `found` to be
   * published by one that ended then.
   */
  published: (event: Event, found: boolean) => void;
}
