import { randomUUID } from "node:crypto";
import {
  type Buckets,
  CameraStatusView,
  type Lifecycle,
  type Logger,
  type Nats,
  ServerClock,
  type ServiceStart,
  type SnapshotStore,
  Tracing,
  traceHeader,
} from "@sightline/service";
import type { Registry } from "prom-client";
import { type AuditParts, startAudit } from "./access/audit-history.ts";
import { CameraLabels } from "./access/camera-scope.ts";
import { type AccessParts, startAccess } from "./access/start-access.ts";
import { Analyses } from "./analyses.ts";
import { CameraData } from "./cameras/camera-data.ts";
import { KeptDetections } from "./cameras/kept-detections.ts";
import { type CameraParts, startCameras } from "./cameras/start-cameras.ts";
import type { ResultsConfig } from "./config.ts";
import { DamagedStreams } from "./damage/damaged-streams.ts";
import { RecentLosses } from "./feeds/recent-losses.ts";
import { type FeedStart, startFeeds } from "./feeds/start-feeds.ts";
import { framesOnly, isFrame } from "./feeds/timeline-message.ts";
import { FrameLatencies } from "./frame-latencies.ts";
import { type HistoryParts, startHistory } from "./history/start-history.ts";
import { type Mirrors, startMirrors } from "./mirrors.ts";
import { type ModelParts, startModels } from "./models/start-models.ts";
import { LiveVideo } from "./recordings/live-video.ts";
import { RecordingHolders } from "./recordings/recording-holders.ts";
import { RecordingService } from "./recordings/recording-service.ts";
import { ResultsMetrics } from "./results-metrics.ts";
import { provideStreams, retentionOf, withLimitsThatFit } from "./retention.ts";
import { type RulesParts, startRules } from "./rules/rules-service.ts";
import { observeSites, type SiteState, Sites } from "./sites/sites.ts";
import { type SnapshotParts, startSnapshots } from "./snapshots/start-snapshots.ts";
import { SubscriptionMetrics } from "./subscriptions/subscription-metrics.ts";
import { type SubscriptionService, startSubscriptions } from "./subscriptions/subscription-service.ts";

/** Parts of this process that the analysis can share if it runs in the same process. */
export interface SharedParts {
  nats: Nats;
  buckets: Buckets;
  mirrors: Mirrors;
  cameraStatus: CameraStatusView;
  serverClock: ServerClock;
  tracing: Tracing;
  snapshots: SnapshotStore;
  prometheus: Registry;
}

/** All parts of the service except its two APIs, which answer from these: a field for each folder, with what others use of it. */
export interface ResultsParts {
  nats: Nats;
  mirrors: Mirrors;
  cameraStatus: CameraStatusView;
  analyses: Analyses;
  latencies: FrameLatencies;
  metrics: ResultsMetrics;
  access: AccessParts;
  audit: AuditParts;
  cameras: CameraParts;
  cameraData: CameraData;
  rules: RulesParts;
  feeds: FeedStart;
  losses: RecentLosses;
  history: HistoryParts;
  snapshots: SnapshotParts;
  recordings: RecordingService;
  liveVideo: LiveVideo;
  models: ModelParts;
  subscriptions: SubscriptionService;
  /** The sites of this centre; none where there is no centre. */
  sites: () => readonly SiteState[];
}

/** What the parts are started with. */
export interface PartsContext {
  config: ResultsConfig;
  version: string;
  nats: Nats;
  buckets: Buckets;
  start: ServiceStart;
  log: Logger;
  life: Lifecycle;
}

/**
 * Starts all parts except the APIs, each when those that it needs are ready; they are stopped through `life`.
 * @param onAccess gets callers' permissions as soon as they are known, long before the rest
 * @param analyse starts the analysis in this process too
 */
export async function startParts(
  { config, version, nats, buckets, start, log, life }: PartsContext,
  onAccess: (access: Pick<ResultsParts, "access" | "audit">, cameras: () => string[]) => void,
  analyse?: (parts: SharedParts) => Promise<void>,
): Promise<ResultsParts> {
  const prometheus = start.registry;
  const retention = retentionOf(config);
  start.waitsFor("users and tokens have not been read yet");
  const access = await startAccess(config, nats, buckets.access, log, life);
  let analyses: Analyses | undefined;
  const anyStall = () => analyses?.stalled ?? false;
  // Before the buckets are followed: a damaged one may never be delivered completely.
  const provide = () => provideStreams(nats.manager, config);
  life.add(new DamagedStreams(nats, buckets.leases, anyStall, provide, prometheus, log)).start();

  start.waitsFor("the buckets of cameras, rules and leases have not been read yet");
  const mirrors = await startMirrors(nats, buckets, log, life);
  const { records, statuses, leases } = mirrors;
  analyses = new Analyses(leases);
  const cameraStatus = life.add(new CameraStatusView(statuses));
  let centre: Sites | undefined;
  const siteOf = (camera: string) => centre?.siteOf(camera);
  const cameras = await startCameras(config, nats, buckets, mirrors, cameraStatus, siteOf, log, life);
  const { registry, catalog } = cameras;
  access.identities.follow(new CameraLabels(records));
  const audit = startAudit(nats, log, life);
  onAccess({ access, audit }, () => registry.ids());
  const serverClock = life.add(new ServerClock(buckets.leases, `clock.${randomUUID()}`, log));
  await serverClock.start();

  const latencies = new FrameLatencies(serverClock);
  let feeds: FeedStart | undefined;
  const subscribers = {
    subscribers: () => feeds?.timeline.feed.size ?? 0,
    eventSubscribers: () => feeds?.events.feed.size ?? 0,
  };
  const isRegistered = (camera: string) => records.get(camera) !== undefined;
  const metrics = new ResultsMetrics(prometheus, subscribers, isRegistered, latencies);
  feeds = await startFeeds(config, nats, buckets.streamMakings, metrics, start, log, life);
  const { timeline, reading } = feeds;
  timeline.feed.listen(
    framesOnly((frame, { headers, timestampNanos }) =>
      metrics.frame(frame, Number(timestampNanos) / 1e6, config.traceEndpoint && headers?.get(traceHeader)),
    ),
  );
  const losses = new RecentLosses();
  timeline.feed.listen((message) => {
    if (!isFrame(message)) losses.add(message.camera, message.lostFrames);
  });
  start.waitsFor("its parts are being started");
  const requireCamera = (camera: string) => registry.require(camera);
  const holders = new RecordingHolders(nats, leases, log);
  const snapshots = await withLimitsThatFit(() =>
    startSnapshots(nats, retention.snapshots, requireCamera, holders, prometheus, log, life),
  );
  timeline.feed.listen(framesOnly((frame) => snapshots.recentDetections.add(frame)));
  if (config.sitesDirectory !== undefined) {
    const own = { nats, places: buckets.sitePlaces, pictures: snapshots.store, isRegistered };
    centre = life.add(await Sites.start(config, config.sitesDirectory, own, log, life.signal));
  }
  const sites = () => centre?.states() ?? [];
  observeSites(prometheus, sites);
  records.onChange(({ key, value }) => {
    if (value) return;
    metrics.forgetCamera(key);
    losses.forget(key);
    snapshots.recentDetections.forget(key);
  });
  const tracing = life.add(await Tracing.start("results", version, config, log));
  // First, before new messages get the sequences of messages that NATS has lost.
  const subscriptions = await startSubscriptions(nats, buckets.subscriptions, feeds.makings, log, life);
  life.add(new SubscriptionMetrics(prometheus)).start(subscriptions);
  const shared = { nats, buckets, mirrors, cameraStatus, serverClock, tracing, prometheus };
  await analyse?.({ ...shared, snapshots: snapshots.store });
  start.requires("detections", () =>
    reading() ? undefined : "the streams of detections and events are not being read",
  );

  const rules = await startRules(buckets, mirrors, catalog, log, life);
  const history = await startHistory(
    nats,
    buckets,
    mirrors,
    feeds,
    retention.events.maxAgeSeconds,
    log,
    life,
  );
  const status = (camera: string) => cameraStatus.find(camera);
  const liveVideo = new LiveVideo({ holders, requireCamera, status });
  const event = (name: string) => history.events.get(name);
  const recordings = new RecordingService({ holders, event, requireCamera, status });
  const { pictures } = snapshots;
  const models = startModels(config, nats, buckets, mirrors, catalog, pictures, requireCamera, log, life);
  const cameraData = new CameraData(
    nats,
    feeds.events.stored,
    history.reviews,
    new KeptDetections(nats, buckets, timeline.stored),
    snapshots.store,
    recordings,
    models.shadowReports,
  );
  return {
    ...{ nats, mirrors, cameraStatus, analyses, latencies, metrics, access, audit, cameras, cameraData },
    ...{ rules, feeds, losses, history, snapshots, recordings, liveVideo, models, subscriptions, sites },
  };
}
