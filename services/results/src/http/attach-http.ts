import type { CameraRecord, CameraStatus, ServedModel, WorkerInfo } from "@sightline/contracts";
import type { CameraStatusView, KvMirror, Lifecycle, Logger, Nats, PictureClient } from "@sightline/service";
import type { Registry } from "prom-client";
import type { Analyses } from "../analyses.ts";
import type { CameraData } from "../cameras/camera-data.ts";
import { toCameraMessage } from "../cameras/camera-message.ts";
import type { CameraRegistry } from "../cameras/camera-registry.ts";
import type { CameraService } from "../cameras/camera-service.ts";
import type { CameraWatchers } from "../cameras/camera-watchers.ts";
import type { ModelCatalog } from "../cameras/model-catalog.ts";
import type { DetectionFeed, EventFeed } from "../feeds/feeds.ts";
import { framesOnly } from "../feeds/timeline-message.ts";
import type { FrameLatencies } from "../frame-latencies.ts";
import type { DetectionHistory } from "../history/detection-history.ts";
import type { EventHistory } from "../history/event-history.ts";
import type { EventReviews } from "../history/event-reviews.ts";
import type { JobService } from "../models/jobs/job-service.ts";
import type { VersionFiles } from "../models/jobs/version-files.ts";
import type { ModelService } from "../models/model-service.ts";
import type { ShadowService } from "../models/shadows/shadow-service.ts";
import type { LiveVideo } from "../recordings/live-video.ts";
import type { RecordingService } from "../recordings/recording-service.ts";
import type { RulesRegistry } from "../rules/rules-registry.ts";
import type { RulesService } from "../rules/rules-service.ts";
import type { SiteState } from "../sites/sites.ts";
import type { CameraSnapshots } from "../snapshots/camera-snapshots.ts";
import type { EventSnapshots } from "../snapshots/event-snapshots.ts";
import { CameraView } from "./camera-view.ts";
import type { RecentLosses } from "./findings/recent-losses.ts";
import type { HttpApi } from "./http-api.ts";
import { LiveHub, LiveMetrics } from "./live/live-hub.ts";
import { VideoSockets } from "./live/video-route.ts";
import { ProbeClient } from "./probe-client.ts";
import { SeriesStore } from "./series/series-store.ts";
import { SystemView } from "./system-view.ts";

/** The parts of the service that the HTTP API uses. */
export interface HttpSources {
  version: string;
  prometheus: Registry;
  nats: Nats;
  records: KvMirror<CameraRecord>;
  statuses: KvMirror<CameraStatus>;
  registry: CameraRegistry;
  cameraStatus: CameraStatusView;
  latencies: FrameLatencies;
  cameraWatchers: CameraWatchers;
  catalog: ModelCatalog;
  workers: () => WorkerInfo[];
  cameras: CameraService;
  cameraData: CameraData;
  rulesRegistry: RulesRegistry;
  rules: RulesService;
  timeline: DetectionFeed;
  losses: RecentLosses;
  analyses: Analyses;
  events: EventFeed;
  detectionHistory: DetectionHistory;
  eventHistory: EventHistory;
  eventReviews: EventReviews;
  pictures: PictureClient;
  models: ModelService;
  shadows: ShadowService;
  modelJobs: JobService;
  versionFiles: VersionFiles;
  recordings: RecordingService;
  liveVideo: LiveVideo;
  cameraSnapshots: CameraSnapshots;
  eventSnapshots: EventSnapshots;
  natsStore: string | undefined;
  sites: () => readonly SiteState[];
  log: Logger;
}

/** Creates what the HTTP API needs, and lets it answer. */
export async function attachHttp(api: HttpApi, sources: HttpSources, life: Lifecycle): Promise<void> {
  const { nats, workers, records, statuses, registry, cameraWatchers, catalog } = sources;
  const models = () => catalog.names().flatMap((name) => catalog.find(name) ?? ([] as ServedModel[]));
  const cameras = () =>
    registry
      .ids()
      .flatMap((id) => registry.find(id) ?? [])
      .map((stored) => toCameraMessage(stored, sources.cameraStatus.find(stored.id)));

  const series = new SeriesStore((camera) => records.get(camera) !== undefined, sources.latencies);
  const view = new CameraView(series, workers, sources.losses, sources.analyses, (name) =>
    catalog.find(name),
  );
  const metrics = new LiveMetrics(sources.prometheus, () => live.size);
  const live: LiveHub = new LiveHub({
    cameraWatchers,
    rules: sources.rulesRegistry,
    series,
    view,
    pictures: sources.pictures,
    metrics,
  });
  life.add(live);
  const videos = new VideoSockets(sources.liveVideo);
  const ends = [
    statuses.onChange(({ key, value }) => {
      if (value) series.status(key, value);
    }),
    records.onChange(({ key, value }) => {
      if (!value) series.forget(key);
    }),
    sources.timeline.feed.listen(
      framesOnly((frame, { timestampNanos }) => {
        series.frame(frame, Number(timestampNanos) / 1e6);
        live.frame(frame);
        videos.frame(frame);
      }),
    ),
    sources.events.feed.listen((event) =>
      live.event({ ...event, review: sources.eventReviews.find(event.name) }),
    ),
    sources.eventReviews.onChange((event, review) => live.review(event, review)),
  ];
  life.add({ stop: async () => ends.forEach((end) => void end()) });
  // Last, so that it ends first: no request is served while the rest stops.
  life.add(api);
  api.attach({
    cameras: sources.cameras,
    cameraData: sources.cameraData,
    rules: sources.rules,
    detections: sources.detectionHistory,
    events: sources.eventHistory,
    reviews: sources.eventReviews,
    models: sources.models,
    shadows: sources.shadows,
    modelJobs: sources.modelJobs,
    versionFiles: sources.versionFiles,
    workers,
    modelCameras: (model) => records.keys().filter((camera) => records.get(camera)?.model === model),
    recordings: sources.recordings,
    cameraSnapshots: sources.cameraSnapshots,
    eventSnapshots: sources.eventSnapshots,
    view,
    system: new SystemView({
      version: sources.version,
      nats,
      natsStore: sources.natsStore,
      sites: sources.sites,
      analysed: () => sources.analyses.any,
      workers,
      models,
      defaultModel: catalog.defaultModel,
      cameras,
      series,
    }),
    series,
    probe: new ProbeClient(nats),
    live,
    videos,
  });
}
