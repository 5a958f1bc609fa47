/** The inference worker with a model that takes a fixed time and finds nothing, or objects that walk across the picture. */
import {
  type PixelFormatName,
  readyConsumer,
  readyStream,
  streams,
  type WorkerInfo,
} from "@sightline/contracts";
import { ArenaReaders } from "@sightline/frame-arena";
import { pixelBytes } from "@sightline/media";
import {
  Announcement,
  connectNats,
  createLogger,
  createRegistry,
  ensureStream,
  expectLargeBuffers,
  findBuckets,
  Tracing,
} from "@sightline/service";
import { monotonicMs } from "@sightline/service/clock";
import { type CandidateBatch, DEFAULT_THRESHOLDS, type ModelManifest } from "@sightline/yolo-nas";
import { type BatchGoal, chooseBatchSize, curveSizes } from "../../services/inference/src/batch-curve.ts";
import { BatchSizing } from "../../services/inference/src/batch-sizing.ts";
import { BatchSlots } from "../../services/inference/src/batch-slots.ts";
import { batchSlots } from "../../services/inference/src/batcher.ts";
import { DetectionPublisher } from "../../services/inference/src/detection-publisher.ts";
import { FrameSource } from "../../services/inference/src/frame-source.ts";
import type { Work } from "../../services/inference/src/held-frames.ts";
import { LoadMeter } from "../../services/inference/src/load-meter.ts";
import { InferenceMetrics } from "../../services/inference/src/model-metrics.ts";
import type { BatchRun, BatchRunner } from "../../services/inference/src/session-messages.ts";
import { SessionThread } from "../../services/inference/src/session-thread.ts";
import { TokenSource } from "../../services/inference/src/token-source.ts";
import { ModelTurns, Turns } from "../../services/inference/src/turns.ts";
import { InferenceWorker, type WorkerOptions } from "../../services/inference/src/worker.ts";
import { answerCounts, benchSettings, type Usage } from "./bench-process.ts";
import { accessTo, type BenchNats } from "./bench-system.ts";
import { SimulatedDevice, type SimulatedSettings } from "./simulated-session.ts";

export interface FixedWorkerSettings {
  nats: BenchNats;
  model: string;
  width: number;
  height: number;
  /** Frames of a batch, or the largest that is chosen by a goal. */
  batchSize: number;
  /** How it reads frames; default gbrp. */
  pixelFormat?: PixelFormatName;
  goal?: BatchGoal;
  /** Milliseconds of a run, and for each of its frames beyond that. */
  runMs: number;
  frameMs?: number;
  /** Runs go to so many sessions' threads, as the service's do, which share a device that takes `frameMs` for each frame; none: no thread. */
  sessions?: number;
  /** Says in the bucket of workers how fast it is, under this name; none: it says nothing. */
  announceAs?: string;
  /** It finds so many objects in each frame. */
  objects?: number;
}

export interface FixedWorkerCounts extends Usage {
  frames: number;
  runs: number;
  /** Milliseconds in which a run was under way. */
  busyMs: number;
}

/** Runs one batch after the other, as a session does, each for a fixed time. */
class FixedRunner implements BatchRunner {
  readonly counts = { frames: 0, runs: 0, busyMs: 0 };
  readonly load = new LoadMeter();
  readonly #runMs: (frames: number) => number;
  readonly #settings: FixedWorkerSettings;
  #last: Promise<unknown> = Promise.resolve();

  constructor(runMs: (frames: number) => number, settings: FixedWorkerSettings) {
    this.#runMs = runMs;
    this.#settings = settings;
  }

  run(_slot: number, frames: number): Promise<BatchRun> {
    const run = this.#last.then(async () => {
      const startedAt = monotonicMs();
      const length = this.#runMs(frames);
      if (length > 0) await new Promise((resolve) => setTimeout(resolve, length));
      const runMs = monotonicMs() - startedAt;
      this.counts.frames += frames;
      this.counts.runs++;
      this.counts.busyMs += runMs;
      this.load.add(frames, runMs);
      return { outputs: walkers(frames, this.#settings), startedAt, runMs };
    });
    this.#last = run;
    return run;
  }
}

/** Milliseconds in which an object crosses the picture. */
const crossingMs = 6_000;

/** Objects in rows of four, each at its own place on the way from left to right. */
function walkers(batch: number, { objects = 0, width, height }: FixedWorkerSettings): CandidateBatch {
  const boxes: number[] = [];
  for (let i = 0; i < objects; i++) {
    const rows = Math.ceil(objects / 4);
    const left = ((Date.now() / crossingMs + Math.floor(i / 4) / 10 + (i % 4) / 4) % 1) * 0.9 * width;
    const top = (Math.floor(i / 4) / rows) * height;
    boxes.push(left, top, left + width / 10, top + (0.9 * height) / rows);
  }
  const all = Array.from({ length: batch }, () => boxes).flat();
  const scores = new Float32Array(batch * objects).fill(0.9);
  return { batch, candidates: objects, classCount: 1, boxes: Float32Array.from(all), scores };
}

/** With a goal, as chosen from what runs take; without one, always the same size. */
function sizingOf({ batchSize, goal }: FixedWorkerSettings, runMs: (frames: number) => number): BatchSizing {
  const sizes = goal ? curveSizes(batchSize) : [batchSize];
  const curve = sizes.map((batch) => {
    const milliseconds = Math.max(runMs(batch), 0.1);
    return { batch, milliseconds, fastest: milliseconds };
  });
  const size = goal ? chooseBatchSize(curve, goal) : batchSize;
  return new BatchSizing({ curve, sizes, size, goal: goal ?? "balanced", now: monotonicMs });
}

if (import.meta.main) {
  expectLargeBuffers();
  const settings = benchSettings<FixedWorkerSettings>();
  const { nats: server, model: name, batchSize, width, height, announceAs, pixelFormat = "gbrp" } = settings;
  const runMs = (frames: number) => settings.runMs + (settings.frameMs ?? 0) * frames;
  const log = createLogger("bench", "warn");
  const size = { width, height };
  const model: ModelManifest = {
    schemaVersion: 1,
    name,
    architecture: "none",
    version: "0",
    files: {},
    input: size,
    frame: size,
    fit: size,
    pixelFormat: "gbrp",
    padValue: 114,
    classes: ["nothing"],
    thresholds: DEFAULT_THRESHOLDS,
  };
  const nats = await connectNats(accessTo(server, "inference"), "inference", log);
  const provision = async () => {
    await ensureStream(nats.manager, readyStream(1));
    await nats.manager.consumers.add(streams.ready, readyConsumer(name));
  };
  await provision();
  const runner = new FixedRunner(runMs, settings);
  const arenas = new ArenaReaders("/dev/shm");
  const common = {
    id: "bench",
    model,
    inference: { modelDigest: "0", modelVersion: "", precision: "none", executionProvider: "cpu" },
    pixelFormat,
    maxDelayMs: 5,
    maxAgeMs: 1_000,
    frames: new FrameSource(nats, "bench", arenas),
    arenas,
    filters: { of: () => ({ minScore: 0, classes: undefined, secondStages: [] }) },
    publisher: new DetectionPublisher(nats, log),
    metrics: new InferenceMetrics(createRegistry("bench", "0")).of("bench"),
    tracing: await Tracing.start("bench", "0", { traceRatio: 0 }, log),
    shadows: { take: () => [] },
    secondStages: { keep: () => undefined },
    log,
    tokens: (onToken) =>
      new TokenSource({
        nats,
        model: name,
        provision,
        onToken,
        onInvalid: (error) => log.warn(error.message),
        log,
      }),
  } satisfies Partial<WorkerOptions>;
  const newSlots = () => new BatchSlots<Work>(batchSlots, batchSize, pixelBytes(size, pixelFormat));
  const newWorker = (ran: BatchRunner, slots: BatchSlots<Work>) =>
    new InferenceWorker({ ...common, sizing: sizingOf(settings, runMs), runner: ran, slots });
  const device = new SimulatedDevice();
  const turns = new Turns<object>();
  const user = {};
  /** Opens a session's thread of the device. */
  const simulate = async () => {
    const slots = newSlots();
    const memory = slots.slots.map((slot) => slot.memory);
    const simulated: SimulatedSettings = {
      ...{ candidates: [], refusals: [], threads: 1, capacity: batchSize, frame: size, classCount: 1 },
      ...{ frameFormat: pixelFormat, slots: memory, warmUpSizes: [] },
      ...{ frameMs: settings.frameMs ?? 0, device: device.memory },
    };
    const entry = new URL("./simulated-session.ts", import.meta.url);
    const thread = new SessionThread({ settings: simulated, log, onAvailable: () => undefined, entry });
    await thread.start();
    return newWorker(new ModelTurns(turns, thread, user), slots);
  };
  const sessions = Array.from({ length: settings.sessions ?? 0 }, simulate);
  const workers = settings.sessions ? await Promise.all(sessions) : [newWorker(runner, newSlots())];
  if (announceAs !== undefined) {
    const info = (): WorkerInfo => ({
      ...{ id: announceAs, host: "bench", model: name, modelDigest: "0" },
      ...{ precision: "none", executionProvider: "cpu", startTime: new Date().toISOString() },
      ...{ batchSize, batchCurve: [{ batch: batchSize, milliseconds: runMs(batchSize) }] },
      ...runner.load.read(),
    });
    const { workers } = await findBuckets(nats, ["workers"] as const, log, new AbortController().signal);
    await new Announcement(workers, announceAs, info, log).start();
  }
  for (const worker of workers) worker.start();
  const counted: { counts: Omit<FixedWorkerCounts, keyof Usage> } = settings.sessions ? device : runner;
  answerCounts(() => counted.counts);
}
