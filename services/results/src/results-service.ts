import { randomUUID } from "node:crypto";
import { streams } from "@sightline/contracts";
import {
  type Buckets,
  CameraStatusView,
  ensureBuckets,
  ensureResultStreams,
  ensureStreams,
  isLoopback,
  type Lifecycle,
  type Logger,
  type Nats,
  patiently,
  ServerClock,
  type SnapshotStore,
  Tracing,
  traceHeader,
} from "@sightline/service";
import type { Registry } from "prom-client";
import { AuditTrail } from "./access/audit.ts";
import { AuditHistory } from "./access/audit-history.ts";
import { TrustedProxies } from "./access/caller-address.ts";
import { CameraLabels } from "./access/camera-scope.ts";
import { startAccess } from "./access/start-access.ts";
import { Analyses } from "./analyses.ts";
import { CameraData } from "./cameras/camera-data.ts";
import { KeptDetections } from "./cameras/kept-detections.ts";
import { startCameras } from "./cameras/start-cameras.ts";
import type { ResultsConfig } from "./config.ts";
import { DamagedStreams } from "./damage/damaged-streams.ts";
import { DetectionService } from "./feeds/detection-service.ts";
import { EventService } from "./feeds/event-service.ts";
import { type FeedStart, startFeeds } from "./feeds/start-feeds.ts";
import { framesOnly, isFrame } from "./feeds/timeline-message.ts";
import { FrameLatencies } from "./frame-latencies.ts";
import { attachGrpc } from "./grpc/attach-grpc.ts";
import { GrpcCalls } from "./grpc/grpc-calls.ts";
import { userOfCall } from "./grpc/grpc-guard.ts";
import { GrpcServer } from "./grpc/grpc-server.ts";
import { DetectionHistory, ZoneLookup } from "./history/detection-history.ts";
import { EventHistory } from "./history/event-history.ts";
import { EventReviews } from "./history/event-reviews.ts";
import { attachHttp } from "./http/attach-http.ts";
import { RecentLosses } from "./http/findings/recent-losses.ts";
import { startHttp } from "./http/start-http.ts";
import { type Mirrors, startMirrors } from "./mirrors.ts";
import { startModels } from "./models/start-models.ts";
import { LiveVideo } from "./recordings/live-video.ts";
import { RecordingHolders } from "./recordings/recording-holders.ts";
import { RecordingService } from "./recordings/recording-service.ts";
import { ResultsMetrics } from "./results-metrics.ts";
import { retentionOf, withLimitsThatFit } from "./retention.ts";
import { RulesRegistry } from "./rules/rules-registry.ts";
import { RulesService } from "./rules/rules-service.ts";
import { observeSites, Sites } from "./sites/sites.ts";
import { startSnapshots } from "./snapshots/start-snapshots.ts";
import { StreamMetrics } from "./stream-metrics.ts";
import { SubscriptionMetrics } from "./subscriptions/subscription-metrics.ts";
import { startSubscriptions } from "./subscriptions/subscription-service.ts";

const version = "0.1.0";

/** The addresses of a started service. */
export interface ResultsAddresses {
  grpc: string;
  http: string;
}

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

/**
 * Starts the results service; its parts are stopped through `life`.
 * @param analyse starts the analysis in this process too; without it other processes analyse
 */
export async function startResults(
  config: ResultsConfig,
  log: Logger,
  life: Lifecycle,
  analyse?: (parts: SharedParts) => Promise<void>,
): Promise<ResultsAddresses> {
  const { start, api: httpApi, certificate, limits, address } = await startHttp(config, version, log, life);
  const prometheus = start.registry;
  const streamMetrics = life.add(new StreamMetrics(prometheus, config.natsStore));
  const nats = await start.connect(config, "results", Object.values(streams));
  streamMetrics.start(nats);
  const retention = retentionOf(config);
  const provide = async () => {
    await ensureStreams(nats.manager, retention.detections);
    await ensureResultStreams(nats.manager, retention);
    return ensureBuckets(nats, config.replicas);
  };
  const buckets = await withLimitsThatFit(() => patiently(provide, log, life.signal));
  start.waitsFor("users and tokens have not been read yet");
  const access = await startAccess(config, nats, buckets.access, log, life);
  let analyses: Analyses | undefined;
  const anyStall = () => analyses?.stalled ?? false;
  // Before the buckets are followed: a damaged one may never be delivered completely.
  life.add(new DamagedStreams(nats, buckets.leases, anyStall, prometheus, log)).start();

  start.waitsFor("the buckets of cameras, rules and leases have not been read yet");
  const mirrors = await startMirrors(nats, buckets, log, life);
  const { records, statuses, rules, leases } = mirrors;
  analyses = new Analyses(leases);
  const cameraStatus = life.add(new CameraStatusView(statuses));
  let sites: Sites | undefined;
  const siteOf = (camera: string) => sites?.siteOf(camera);
  const cameraParts = await startCameras(config, nats, buckets, mirrors, cameraStatus, siteOf, log, life);
  const { registry, catalog, service: cameras, watchers: cameraWatchers } = cameraParts;
  access.identities.follow(new CameraLabels(records));
  httpApi.attachAccess(access, () => registry.ids());
  const auditParts = { audit: life.add(new AuditTrail(nats, log)), history: new AuditHistory(nats) };
  httpApi.attachAudit(auditParts);
  const serverClock = life.add(new ServerClock(buckets.leases, `clock.${randomUUID()}`, log));
  await serverClock.start();
  const latencies = new FrameLatencies(serverClock);
  let feeds: FeedStart | undefined;
  const metrics = new ResultsMetrics(
    prometheus,
    {
      subscribers: () => feeds?.timeline.feed.size ?? 0,
      eventSubscribers: () => feeds?.events.feed.size ?? 0,
    },
    (camera) => records.get(camera) !== undefined,
    latencies,
  );
  const { maxSubscribers } = config;
  const waitsFor = (what: string) => start.waitsFor(what);
  feeds = await startFeeds(nats, buckets.streamMakings, maxSubscribers, metrics, waitsFor, log, life);
  const { timeline, events, makings, reading } = feeds;
  timeline.feed.listen(
    framesOnly((frame, { headers, timestampNanos }) =>
      metrics.frame(frame, Number(timestampNanos) / 1e6, config.traceEndpoint && headers?.get(traceHeader)),
    ),
  );
  start.waitsFor("its parts are being started");
  const losses = new RecentLosses();
  timeline.feed.listen((message) => {
    if (!isFrame(message)) losses.add(message.camera, message.lostFrames);
  });
  const requireCamera = (camera: string) => registry.require(camera);
  const holders = new RecordingHolders(nats, leases, log);
  const snapshots = await withLimitsThatFit(() =>
    startSnapshots(nats, retention.snapshots, requireCamera, holders, prometheus, log, life),
  );
  const { pictures, recentDetections, store: snapshotStore } = snapshots;
  timeline.feed.listen(framesOnly((frame) => recentDetections.add(frame)));
  const centre = {
    ...{ nats, places: buckets.sitePlaces, pictures: snapshotStore },
    isRegistered: (camera: string) => records.get(camera) !== undefined,
  };
  if (config.sitesDirectory !== undefined)
    sites = life.add(await Sites.start(config, config.sitesDirectory, centre, log, life.signal));
  observeSites(prometheus, () => sites?.states() ?? []);
  records.onChange(({ key, value }) => {
    if (value) return;
    metrics.forgetCamera(key);
    recentDetections.forget(key);
    losses.forget(key);
  });
  const tracing = life.add(await Tracing.start("results", version, config, log));
  // First, before new messages get the sequences of messages that NATS has lost.
  const subscriptions = await startSubscriptions(nats, buckets.subscriptions, makings, log, life);
  const shared = { nats, buckets, mirrors, cameraStatus, serverClock, tracing, prometheus };
  await analyse?.({ ...shared, snapshots: snapshotStore });
  start.requires("detections", () =>
    reading() ? undefined : "the streams of detections and events are not being read",
  );

  const callAccess = {
    identities: access.identities,
    cameras: () => registry.ids(),
    certificateUser: userOfCall,
    audit: auditParts.audit,
    proxies: new TrustedProxies(config.trustedProxies),
    limits,
  };
  const calls = new GrpcCalls(callAccess, log, (method, code) => metrics.call(method, code));
  const grpc = life.add(new GrpcServer(calls, certificate));
  const rulesRegistry = life.add(new RulesRegistry(buckets.cameraRules, rules, records, log));
  await rulesRegistry.sweep(buckets.cameras);
  const rulesService = new RulesService(rulesRegistry, catalog);
  const detectionHistory = new DetectionHistory(
    timeline.stored,
    new ZoneLookup((camera) => rules.get(camera)),
  );
  const eventReviews = life.add(
    new EventReviews(
      nats,
      buckets.eventReviews,
      mirrors.reviews,
      events.stored,
      retention.events.maxAgeSeconds,
      log,
    ),
  );
  await eventReviews.start();
  const eventHistory = new EventHistory(events.stored, (name) => eventReviews.find(name));
  const status = (camera: string) => cameraStatus.find(camera);
  const liveVideo = new LiveVideo({ holders, requireCamera, status });
  const recordings = new RecordingService({
    holders,
    event: (name) => eventHistory.get(name),
    requireCamera,
    status,
  });
  const models = startModels(config, nats, buckets, mirrors, catalog, pictures, requireCamera, log, life);
  const cameraData = new CameraData(
    nats,
    events.stored,
    eventReviews,
    new KeptDetections(nats, buckets, timeline.stored),
    snapshotStore,
    recordings,
    models.shadowReports,
  );
  life.add(new SubscriptionMetrics(prometheus)).start(subscriptions);
  attachGrpc(grpc, calls, {
    ...{ access, audit: auditParts.history, cameras, cameraWatchers, cameraData },
    ...{ detections: new DetectionService(timeline, config.subscriberBuffer), detectionHistory },
    ...{ events: new EventService(events), eventHistory, eventReviews },
    ...{ models, recordings, rules: rulesService, snapshots, subscriptions },
  });
  await attachHttp(
    httpApi,
    {
      version,
      prometheus,
      nats,
      records,
      statuses,
      registry,
      cameraStatus,
      latencies,
      cameraWatchers,
      catalog,
      workers: () => models.versionRecords.workers(),
      cameras,
      cameraData,
      rulesRegistry,
      rules: rulesService,
      timeline,
      losses,
      analyses,
      events,
      detectionHistory,
      eventHistory,
      eventReviews,
      pictures,
      models: models.models,
      shadows: models.shadows,
      modelJobs: models.jobs,
      versionFiles: models.files,
      recordings,
      liveVideo,
      cameraSnapshots: snapshots.cameraSnapshots,
      eventSnapshots: snapshots.eventSnapshots,
      natsStore: config.natsStore,
      sites: () => sites?.states() ?? [],
      log,
    },
    life,
  );
  const port = await grpc.listen(config.grpc);
  start.done();
  const health = setInterval(() => grpc.setServing(nats.connected() && reading()), 250);
  life.add({ stop: async () => clearInterval(health) });

  const addresses = { grpc: `${hostOf(config.grpc)}:${port}`, http: address };
  for (const [what, address] of Object.entries(addresses))
    if (!isLoopback(address) && !certificate)
      log.warn(
        { address },
        `${what} is open to the network at ${address} without TLS: passwords, tokens and pictures can be read on the way`,
      );
  log.info(addresses, "results is ready");
  return addresses;
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
