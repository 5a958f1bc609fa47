import type { IncomingMessage, ServerResponse } from "node:http";
import type { WorkerInfo } from "@sightline/contracts";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { CameraData } from "../../cameras/camera-data.ts";
import type { CameraService } from "../../cameras/camera-service.ts";
import type { DetectionHistory } from "../../history/detection-history.ts";
import type { EventHistory } from "../../history/event-history.ts";
import type { EventReviews } from "../../history/event-reviews.ts";
import type { JobService } from "../../models/jobs/job-service.ts";
import type { VersionFiles } from "../../models/jobs/version-files.ts";
import type { ModelService } from "../../models/model-service.ts";
import type { ShadowService } from "../../models/shadows/shadow-service.ts";
import type { RecordingService } from "../../recordings/recording-service.ts";
import type { RulesService } from "../../rules/rules-service.ts";
import type { CameraSnapshots } from "../../snapshots/camera-snapshots.ts";
import type { EventSnapshots } from "../../snapshots/event-snapshots.ts";
import type { CameraView } from "../camera-view.ts";
import type { LiveHub } from "../live/live-hub.ts";
import type { VideoSockets } from "../live/video-route.ts";
import type { ProbeClient } from "../probe-client.ts";
import type { SeriesStore } from "../series/series-store.ts";
import type { SystemView } from "../system-view.ts";

/** What the HTTP API needs to answer. */
export interface HttpParts {
  cameras: CameraService;
  cameraData: CameraData;
  rules: RulesService;
  detections: DetectionHistory;
  events: EventHistory;
  reviews: EventReviews;
  recordings: RecordingService;
  cameraSnapshots: CameraSnapshots;
  eventSnapshots: EventSnapshots;
  models: ModelService;
  shadows: ShadowService;
  modelJobs: JobService;
  versionFiles: VersionFiles;
  workers: () => WorkerInfo[];
  /** Ids of the cameras that use a model. */
  modelCameras: (model: string) => string[];
  view: CameraView;
  system: SystemView;
  series: SeriesStore;
  probe: ProbeClient;
  live: LiveHub;
  videos: VideoSockets;
}

/** The parts; throws ApiError `starting` until they are available. */
export type Parts = () => HttpParts;

/** An app whose routes are described with zod. */
export type ApiApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;
