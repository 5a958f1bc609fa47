import { randomBytes } from "node:crypto";
import { availableParallelism, hostname } from "node:os";
import {
  cameraRecordSchema,
  cameraShareSchema,
  decodeJson,
  ingestPresence,
  leaseTtlMs,
  readyStream,
  recordStreamSchema,
  servedModelSchema,
  streams,
  workerInfoSchema,
} from "@sightline/contracts";
import { decodingMachine, ffmpegAbilities } from "@sightline/media";
import { type CameraAccess, findFfmpeg } from "@sightline/rtsp";
import {
  Announcement,
  CameraSecrets,
  ensureStream,
  findBuckets,
  isLoopback,
  KvMirror,
  type Lifecycle,
  type Logger,
  patiently,
  presenceKey,
  SecretKeys,
  ServerClock,
  ServiceStart,
  Tracing,
} from "@sightline/service";
import { assignCameras } from "./camera-assignment.ts";
import type { CameraRunner } from "./camera-runner.ts";
import type { IngestConfig } from "./config.ts";
import { FrameSharing } from "./frame-sharing.ts";
import { IngestMetrics } from "./ingest-metrics.ts";
import { liveVideoRoute } from "./live-video/video-route.ts";
import { PictureDecoder } from "./pictures/picture-decoder.ts";
import { Pictures } from "./pictures/pictures.ts";
import { ProbeSubject } from "./probe/probe-subject.ts";
import { EventRanges } from "./recording/event-ranges.ts";
import { RecordingMetrics } from "./recording/recording-metrics.ts";
import { serveRecordings } from "./recording/recording-routes.ts";
import { RecordingSubject, reachableUrl } from "./recording/recording-subject.ts";
import { RecordingsOnDisk } from "./recording/recordings.ts";
import { formKeptMs, ServedForms } from "./served-forms.ts";
import { SharePlan } from "./shares/share-plan.ts";
import { StartLimit } from "./start-limit.ts";
import { DeliveredTokens } from "./token-publisher.ts";

const version = "0.1.0";
/** Cameras that are being connected at a time: this is mostly waiting for the network. */
const mostConnects = 64;

/** Starts the ingest service; its parts are stopped through `life`. Returns the HTTP address as bound. */
export async function startIngest(config: IngestConfig, log: Logger, life: Lifecycle): Promise<string> {
  const ingest = config.id ?? `${hostname()}-${process.pid}`;
  const ffmpeg = { path: await findFfmpeg(config.ffmpegPath), memoryMib: config.ffmpegMemoryMib };
  const abilities = await ffmpegAbilities(ffmpeg.path);
  const access: CameraAccess = {
    networks: config.cameraNetworks,
    redirects: config.cameraRedirects,
    files: config.sourceFiles,
  };
  const keys = config.secretsKeyFile === undefined ? undefined : SecretKeys.open(config.secretsKeyFile);
  let runners = (): CameraRunner[] => [];
  const start = new ServiceStart({ service: "ingest", version, startsAs: "cameras" }, log, life);
  const { registry } = start;
  let recordings: RecordingsOnDisk | undefined;
  const token = randomBytes(32).toString("base64url");
  let pictures: Pictures | undefined;
  // First, so that health requests are answered while NATS is waited for.
  const address = await start.listen(config.http, (app) => {
    serveRecordings(
      app,
      token,
      () => recordings,
      () => pictures,
    );
    liveVideoRoute(
      app,
      token,
      (camera) => runners().find((runner) => runner.camera === camera)?.video,
      () => runners().reduce((sum, { video }) => sum + video.viewers, 0),
    );
  });
  if (!isLoopback(address)) log.warn({ address }, `metrics are open to the network at ${address}`);
  const nats = await start.connect(config, `ingest ${ingest}`, [streams.ready]);
  nats.changes.listen({
    back: () => {
      for (const runner of runners()) runner.natsReturned();
    },
  });
  const { signal } = life;
  await patiently(() => ensureStream(nats.manager, readyStream(config.replicas)), log, signal);
  const needed = [
    "cameras",
    "recordStreams",
    "cameraShares",
    "cameraSecrets",
    "cameraCredentials",
    "cameraStatus",
    "leases",
    "holders",
    "models",
    "workers",
  ] as const;
  const buckets = await patiently(() => findBuckets(nats, needed, log, signal), log, signal);

  const serverClock = life.add(new ServerClock(buckets.leases, `clock.${ingest.replaceAll(".", "-")}`, log));
  await serverClock.start();

  const text = new TextDecoder();
  const records = life.add(
    new KvMirror(nats, buckets.cameras, (data) => decodeJson(cameraRecordSchema, data), log),
  );
  const recordStreams = life.add(
    new KvMirror(nats, buckets.recordStreams, (data) => decodeJson(recordStreamSchema, data), log),
  );
  const shareMirror = life.add(
    new KvMirror(nats, buckets.cameraShares, (data) => decodeJson(cameraShareSchema, data), log),
  );
  const workers = life.add(
    new KvMirror(nats, buckets.workers, (data) => decodeJson(workerInfoSchema, data), log, leaseTtlMs),
  );
  const models = life.add(
    new KvMirror(nats, buckets.models, (data) => decodeJson(servedModelSchema, data), log, leaseTtlMs),
  );
  const forms = new ServedForms(() => workers.keys().map((key) => workers.get(key)!));
  const leases = life.add(new KvMirror(nats, buckets.leases, (data) => text.decode(data), log, leaseTtlMs));
  const holders = life.add(new KvMirror(nats, buckets.holders, (data) => text.decode(data), log));
  const shares = life.add(new SharePlan({ records, shares: shareMirror, workers, leases }, ingest));
  const tracing = life.add(await Tracing.start("ingest", version, config, log));
  const recordingMetrics = new RecordingMetrics(
    registry,
    () => runners(),
    () => recordings,
  );
  recordings = life.add(
    await RecordingsOnDisk.start(
      {
        directory: config.recordingsDirectory,
        maxBytes: Math.round(config.recordingsMaxGib * 1024 ** 3),
        preRollMs: config.preRollSeconds * 1000,
        postRollMs: config.postRollSeconds * 1000,
        defaults: {
          mode: config.recording,
          maxAgeDays: config.recordingsMaxAgeDays,
          eventsMaxAgeDays: config.recordingsEventsMaxAgeDays,
        },
        settingsOf: (camera) => records.get(camera)?.recording,
        onDeleted: (why, bytes) => recordingMetrics.deleted(why, bytes),
      },
      log,
    ),
  );
  if (recordings.enabled) recordings.follow(life.add(new EventRanges(nats, recordings.options, log)));
  const holder = { ingest, url: config.url ?? reachableUrl(address), token };
  life.add(new RecordingSubject(nats, recordings, holder, log));
  const decoder = life.add(new PictureDecoder(ffmpeg, (name) => metrics.pictureDecoded(name), log));
  const made = new Pictures(
    {
      maxAgeMs: config.pictureSeconds * 1000,
      cameraBytes: config.pictureCameraBytes,
      processBytes: config.pictureBytes,
    },
    decoder,
    () => runners().length,
    (outcome, seconds) => metrics.picture(outcome, seconds),
    log,
  );
  pictures = made;
  const sharing = life.add(
    new FrameSharing({
      directory: config.frameMemoryDirectory,
      limitBytes: config.frameMemoryMib === "auto" ? "auto" : config.frameMemoryMib * 1024 ** 2,
      cameras: () => runners().length,
      handed: (how) => metrics.handed(how),
      log,
    }),
  );
  const metrics = new IngestMetrics(registry, () => runners(), {
    pictureBytes: () => made.memory.bytes,
    sharedBytes: () => sharing.usedBytes,
  });
  const cameras = assignCameras(
    { records, recordStreams, holders, leases },
    {
      nats,
      buckets,
      secrets: new CameraSecrets(buckets, keys, log),
      serverClock,
      ingest,
      ffmpeg,
      stallMs: config.stallSeconds * 1000,
      decode: config.decode,
      decodingMachine: () => decodingMachine(abilities),
      access,
      servedModel: (name) => forms.of(models.get(name)),
      decoded: (camera, seconds) => metrics.decoded(camera, seconds),
      pictures,
      recordings,
      sharing,
      delivered: new DeliveredTokens(nats.manager),
      shares,
      tracing,
      // A starting decoder uses one core, and slows this process down when no core is free.
      limits: { connects: new StartLimit(mostConnects), decoders: new StartLimit(availableParallelism()) },
    },
    log,
  );
  runners = () => cameras.work();
  const mirrors = [records, recordStreams, shareMirror, workers, models, leases, holders];
  await Promise.all(mirrors.map((mirror) => mirror.start()));
  shares.start();
  const modelsChanged = () => {
    for (const runner of cameras.work()) runner.modelChanged();
  };
  models.onChange(modelsChanged);
  workers.onChange(({ value, previous }) => {
    const wasI420 = previous?.pixelFormat === "i420";
    if (wasI420) forms.seen(previous.model);
    if (value?.pixelFormat === previous?.pixelFormat) return;
    modelsChanged();
    // If nothing else changes, nothing else triggers a check when the form is given up.
    if (wasI420) setTimeout(modelsChanged, formKeptMs + 1_000).unref();
  });
  const presence = new Announcement(
    buckets.leases,
    presenceKey(ingestPresence, ingest),
    () => shares.presence(),
    log,
  );
  // Parts are stopped in reverse order. The presence ends first, so that the others do not wait for this process when they
  // share the cameras.
  life.add(cameras);
  await presence.start();
  life.add({ stop: () => presence.stop(true) });
  cameras.start();
  life.add(new ProbeSubject(nats, { ffmpeg, access }, (outcome) => metrics.probe(outcome), log));

  start.done();
  log.info({ http: address, ingest, ffmpeg: ffmpeg.path }, "ingest is ready");
  return address;
}
