/** Cameras' frames in one ingest as far as workers see it: its queues, tokens and plan of shares, with frames out of nothing. */
import {
  cameraRecordSchema,
  cameraShareSchema,
  decodeJson,
  frameMessageBytes,
  frameRequestSchema,
  ingestPresence,
  leaseTtlMs,
  PixelFormat,
  subjects,
  toTimestamp,
  workerInfoSchema,
  writeFrameHeader,
} from "@sightline/contracts";
import {
  Announcement,
  connectNats,
  createLogger,
  expectLargeBuffers,
  findBuckets,
  KvMirror,
  presenceKey,
} from "@sightline/service";
import { FrameBuffers } from "../../services/ingest/src/frame-buffers.ts";
import { FrameQueue } from "../../services/ingest/src/frame-queue.ts";
import { Ledger } from "../../services/ingest/src/ledger.ts";
import { SharePlan } from "../../services/ingest/src/shares/share-plan.ts";
import { DeliveredTokens, TokenPublisher } from "../../services/ingest/src/token-publisher.ts";
import { answerCounts, benchSettings, type Usage } from "./bench-process.ts";
import { accessTo, type BenchNats } from "./bench-system.ts";
import { paced } from "./measure.ts";

export interface ShareHolderSettings {
  nats: BenchNats;
  ingest: string;
  model: string;
  /** Frames are so wide and high. */
  side: number;
  cameras: { id: string; fps: number }[];
}

export interface ShareHolderCounts extends Usage {
  /** Tokens that brought a frame, and that brought none. */
  taken: number;
  void: number;
}

if (import.meta.main) {
  expectLargeBuffers();
  const { nats: server, ingest, model, side, cameras } = benchSettings<ShareHolderSettings>();
  const log = createLogger("bench", "warn");
  const nats = await connectNats(accessTo(server, "ingest"), `ingest ${ingest}`, log);
  const buckets = await findBuckets(
    nats,
    ["cameras", "cameraShares", "workers", "leases"] as const,
    log,
    new AbortController().signal,
  );
  const text = new TextDecoder();
  const view = {
    records: new KvMirror(nats, buckets.cameras, (data) => decodeJson(cameraRecordSchema, data), log),
    shares: new KvMirror(nats, buckets.cameraShares, (data) => decodeJson(cameraShareSchema, data), log),
    workers: new KvMirror(
      nats,
      buckets.workers,
      (data) => decodeJson(workerInfoSchema, data),
      log,
      leaseTtlMs,
    ),
    leases: new KvMirror(nats, buckets.leases, (data) => text.decode(data), log, leaseTtlMs),
  };
  await Promise.all(Object.values(view).map((mirror) => mirror.start()));
  const shares = new SharePlan(view, ingest);
  shares.start();
  const presence = presenceKey(ingestPresence, ingest);
  await new Announcement(buckets.leases, presence, () => shares.presence(), log).start();

  const delivered = new DeliveredTokens(nats.manager);
  const counts = { taken: 0, void: 0 };
  for (const { id, fps } of cameras) hold(id, fps);
  answerCounts(() => counts);

  function hold(camera: string, fps: number): void {
    const epoch = Math.random().toString(36).slice(2, 10);
    const ledger = new Ledger();
    const tokens = new TokenPublisher(nats, delivered, camera, epoch, model, log);
    const turns = shares.turnsOf(camera, () => model);
    const queue = new FrameQueue(ledger, (token) => void tokens.offer(token), turns);
    tokens.attach(queue);
    const buffers = new FrameBuffers(frameMessageBytes(side, side));
    nats.connection.subscribe(subjects.frameGet(camera), {
      callback: (_error, request) => {
        const { token } = decodeJson(frameRequestSchema, request.data);
        const frame = queue.take(token);
        if (frame) counts.taken++;
        else counts.void++;
        if (!frame) return void request.respond(new Uint8Array());
        writeFrameHeader(frame.message, frame.header);
        request.respond(frame.message);
      },
    });
    const put = () => {
      const now = performance.now();
      const metadata = {
        ...{ camera: `cameras/${camera}`, epoch, number: ledger.capture() },
        ...{ cameraCreateTime: undefined, captureTime: toTimestamp(Date.now()), ptsUs: 0, decodeUs: 0 },
        ...{ sourceWidth: side, sourceHeight: side, width: side, height: side },
        ...{ pixelFormat: PixelFormat.GBRP, letterbox: { left: 0, top: 0, width: side, height: side } },
      };
      queue.put({ metadata, message: buffers.take(), buffers, arrivedAt: now, readyAt: now });
    };
    // Cameras do not begin at the same moment.
    setTimeout(() => void paced(Infinity, fps, put), (Math.random() * 1000) / fps);
  }
}
