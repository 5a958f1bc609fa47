import { randomUUID } from "node:crypto";
import { streams } from "@sightline/contracts";
import {
  CameraSecrets,
  connectNats,
  createRegistry,
  ensureBuckets,
  ensureResultStreams,
  ensureStreams,
  HttpServer,
  isLoopback,
  type Lifecycle,
  type Logger,
  type Nats,
  natsReadiness,
  observeStreamFaults,
  patiently,
  type ReadinessCheck,
  SecretKeys,
  ServerCertificate,
  ServerClock,
  splitAddress,
  Tracing,
  traceHeader,
} from "@sightline/service";
import { Audit } from "./access/audit.ts";
import { AuditHistory } from "./access/audit-history.ts";
import { CallLimits } from "./access/call-limits.ts";
import { CameraLabels } from "./access/camera-labels.ts";
import { userOfCall, userOfRequest } from "./access/certificate-user.ts";
import { startAccess } from "./access/start-access.ts";
import { TrustedProxies } from "./access/trusted-proxies.ts";
import { LiveAnalysis } from "./analysis/live-analysis.ts";
import { Admission } from "./cameras/admission.ts";
import { CameraData } from "./cameras/camera-data.ts";
import { CameraEntries } from "./cameras/camera-entries.ts";
import { CameraRegistry } from "./cameras/camera-registry.ts";
import { CameraService } from "./cameras/camera-service.ts";
import { CameraStatusView } from "./cameras/camera-status-view.ts";
import { CameraWatchers } from "./cameras/camera-watchers.ts";
import { FloorClaims } from "./cameras/floor-claims.ts";
import { KeptDetections } from "./cameras/kept-detections.ts";
import { KeptSecrets } from "./cameras/kept-secrets.ts";
import { ModelCatalog } from "./cameras/model-catalog.ts";
import { RecordStreams } from "./cameras/record-streams.ts";
import type { ResultsConfig } from "./config.ts";
import { DamagedStreams } from "./damage/damaged-streams.ts";
import { DetectionService } from "./feeds/detection-service.ts";
import { EventService } from "./feeds/event-service.ts";
import { detectionFeed, eventFeed } from "./feeds/feeds.ts";
import { StreamMakings } from "./feeds/stream-makings.ts";
import { SubscriberCount } from "./feeds/subscribers.ts";
import { framesOnly, isFrame } from "./feeds/timeline-message.ts";
import { FrameLatencies } from "./frame-latencies.ts";
import { attachGrpc } from "./grpc/attach-grpc.ts";
import { GrpcCalls } from "./grpc/grpc-calls.ts";
import { GrpcServer } from "./grpc/grpc-server.ts";
import { DetectionHistory } from "./history/detection-history.ts";
import { EventHistory } from "./history/event-history.ts";
import { EventReviews } from "./history/event-reviews.ts";
import { ZoneLookup } from "./history/zone-lookup.ts";
import { attachHttp } from "./http/attach-http.ts";
import { RecentLosses } from "./http/findings/recent-losses.ts";
import { Stalls } from "./http/findings/stalls.ts";
import { HttpApi } from "./http/http-api.ts";
import { startMirrors } from "./mirrors.ts";
import { startModels } from "./models/start-models.ts";
import { LiveVideo } from "./recordings/live-video.ts";
import { RecordingHolders } from "./recordings/recording-holders.ts";
import { RecordingService } from "./recordings/recording-service.ts";
import { ResultsMetrics } from "./results-metrics.ts";
import { retentionOf, withLimitsThatFit } from "./retention.ts";
import { RulesRegistry } from "./rules/rules-registry.ts";
import { RulesService } from "./rules/rules-service.ts";
import { observeSites } from "./sites/site-metrics.ts";
import { Sites } from "./sites/sites.ts";
import { startSnapshots } from "./snapshots/start-snapshots.ts";
import { StreamMetrics } from "./stream-metrics.ts";
import { SubscriptionMetrics } from "./subscriptions/subscription-metrics.ts";
import { startSubscriptions } from "./subscriptions/subscriptions.ts";

const version = "0.1.0";

/** Where a started service listens. */
export interface ResultsAddresses {
  grpc: string;
  http: string;
}

/** Starts the results service; its parts are stopped through `life`. */
export async function startResults(
  config: ResultsConfig,
  log: Logger,
  life: Lifecycle,
): Promise<ResultsAddresses> {
  const prometheus = createRegistry("results", version, config.traceEndpoint !== undefined);
  let reached: Nats | undefined;
  let starting: string | undefined = "NATS is waited for";
  const readiness: Record<string, ReadinessCheck> = {
    ...natsReadiness(() => reached),
    start: () => starting,
    detections: () => "the streams of detections and events are not being read yet",
  };
  // First, so that health and metrics can be read while NATS is waited for.
  const certificate = ServerCertificate.open(config, prometheus, log);
  if (certificate) life.add(certificate);
  const http = life.add(
    new HttpServer(prometheus, readiness, log, {
      certificate,
      trustedProxies: config.trustedProxies,
      ownMetrics: true,
    }),
  );
  const { consoleDirectory, maxSockets, maxSocketsPerUser } = config;
  const limits = new CallLimits(config, prometheus);
  const hosts = [splitAddress(config.http).host, ...config.httpHosts];
  const local = isLoopback(config.http);
  const httpApi = new HttpApi(
    {
      ...{ version, hosts, consoleDirectory, maxSockets, maxSocketsPerUser, limits, local },
      certificateUser: userOfRequest,
    },
    log,
  );
  await httpApi.register(http.app, prometheus);
  const httpAddress = await http.listen(config.http);
  const streamMetrics = life.add(new StreamMetrics(prometheus, config.natsStore));
  observeStreamFaults(prometheus, () => reached?.watch.faults() ?? []);

  const nats = await connectNats(config, "results", log, { signal: life.signal });
  life.add({ stop: () => nats.connection.close() });
  streamMetrics.start(nats);
  nats.setBacks.observe(prometheus);
  reached = nats;
  starting = "JetStream does not give the streams and buckets yet";
  nats.watch.look(nats.manager, Object.values(streams), nats.connected);
  const retention = retentionOf(config);
  const provide = async () => {
    await ensureStreams(nats.manager, retention.detections);
    await ensureResultStreams(nats.manager, retention);
    return ensureBuckets(nats, config.replicas);
  };
  const buckets = await withLimitsThatFit(() => patiently(provide, log, life.signal));
  starting = "users and tokens have not been read yet";
  const access = await startAccess(config, nats, buckets.access, log, life);
  const stalls = new Stalls();
  life.add(new DamagedStreams(nats, buckets.leases, stalls, prometheus, log)).start();

  starting = "the buckets of cameras, rules and leases have not been read yet";
  const mirrors = await startMirrors(nats, buckets, log, life);
  const { records, statuses, rules, leases } = mirrors;
  const cameraStatus = life.add(new CameraStatusView(statuses));

  const keys = config.secretsKeyFile === undefined ? undefined : SecretKeys.open(config.secretsKeyFile);
  const secrets = new CameraSecrets(buckets, keys, log);
  if (keys) await life.add(new KeptSecrets(nats, secrets, keys, log)).start();
  const recordStreams = new RecordStreams(
    new CameraEntries(buckets.recordStreams, mirrors.recordStreams),
    secrets,
  );
  const shares = new CameraEntries(buckets.cameraShares, mirrors.shares);
  const registry = new CameraRegistry(buckets.cameras, secrets, records, recordStreams, shares);
  access.identities.follow(new CameraLabels(records));
  httpApi.attachAccess(access, () => registry.ids());
  const auditParts = { audit: life.add(new Audit(nats, log)), history: new AuditHistory(nats) };
  httpApi.attachAudit(auditParts);
  const cameraWatchers = life.add(new CameraWatchers(registry, records, recordStreams, shares, cameraStatus));
  const serverClock = life.add(new ServerClock(buckets.leases, `clock.${randomUUID()}`, log));
  await serverClock.start();
  const latencies = new FrameLatencies(serverClock);
  const metrics = new ResultsMetrics(
    prometheus,
    {
      subscribers: () => timeline.feed.size,
      eventSubscribers: () => events.feed.size,
    },
    (camera) => records.get(camera) !== undefined,
    latencies,
  );
  const makings = life.add(new StreamMakings(buckets.streamMakings, log));
  const feedParts = { nats, count: new SubscriberCount(config.maxSubscribers), makings, log };
  const timeline = detectionFeed(feedParts, metrics.detectionFeed);
  const events = eventFeed(feedParts, metrics.eventFeed);
  for (const { reader } of [timeline, events]) {
    starting = `what the stream ${reader.stream} holds has not been read yet`;
    life.add(reader);
    await reader.start();
  }
  starting = "which makings of the streams there were has not been read yet";
  await makings.settled();
  timeline.feed.listen(
    framesOnly((frame, { headers, timestampNanos }) =>
      metrics.frame(frame, Number(timestampNanos) / 1e6, config.traceEndpoint && headers?.get(traceHeader)),
    ),
  );
  starting = "its parts are being started";
  const losses = new RecentLosses();
  timeline.feed.listen((message) => {
    if (!isFrame(message)) losses.add(message.camera, message.lostFrames);
  });
  const requireCamera = (camera: string) => registry.require(camera);
  const holders = new RecordingHolders(nats, leases, log);
  const snapshots = await withLimitsThatFit(() =>
    startSnapshots(nats, retention.snapshots, requireCamera, holders, prometheus, log, life),
  );
  const { taker, claims, pictures, recentDetections, store: snapshotStore } = snapshots;
  timeline.feed.listen(framesOnly((frame) => recentDetections.add(frame)));
  const centre = {
    ...{ nats, places: buckets.sitePlaces, pictures: snapshotStore },
    isRegistered: (camera: string) => records.get(camera) !== undefined,
  };
  const sites =
    config.sitesDirectory === undefined
      ? undefined
      : life.add(await Sites.start(config, config.sitesDirectory, centre, log, life.signal));
  observeSites(prometheus, () => sites?.states() ?? []);
  records.onChange(({ key, value }) => {
    if (value) return;
    metrics.forgetCamera(key);
    recentDetections.forget(key);
    losses.forget(key);
  });
  const tracing = life.add(await Tracing.start("results", version, config, log));
  const analysis = new LiveAnalysis(
    { records, holders: mirrors.holders, leases },
    {
      tracing,
      nats,
      buckets,
      serverClock,
      reorderWindowMs: config.reorderWindowMs,
      stalls,
      status: cameraStatus,
      rules,
      settlePicture: (event, age) => claims.settle(event, age),
      published: (event, found) => taker.offer(event, found),
    },
    prometheus,
    log,
  );
  life.add(analysis);
  // First, while no new message bears the sequence of one that NATS has lost.
  const subscriptions = await startSubscriptions(nats, buckets.subscriptions, makings, log, life);
  await analysis.start();
  const reading = () => timeline.reader.reading && events.reader.reading;
  readiness.detections = () =>
    reading() ? undefined : "the streams of detections and events are not being read";

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
  const workersNow = () => mirrors.workers.keys().flatMap((id) => mirrors.workers.get(id) ?? []);
  const catalog = new ModelCatalog(config.defaultModel, mirrors.models, workersNow);
  const floorClaims = new FloorClaims(buckets.floorClaims, () => registry.caughtUp(), log);
  const admission = new Admission(registry, workersNow, (camera) => cameraStatus.find(camera), floorClaims);
  const cameras = new CameraService(registry, cameraStatus, catalog, admission, (camera) =>
    sites?.siteOf(camera),
  );
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
      stalls,
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
  starting = undefined;
  const health = setInterval(() => grpc.setServing(nats.connected() && reading()), 250);
  life.add({ stop: async () => clearInterval(health) });

  const addresses = { grpc: `${hostOf(config.grpc)}:${port}`, http: httpAddress };
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
