/**
 * How old results are where cameras offer four times the frames that can be inferred, and where the time goes.
 * `node test/bench/overload.ts [--json] [--model NAME] [--models DIR] [--goal latency|balanced|throughput] [--batch auto|N] [--threads N]
 * [--fps N] [--times N] [--seconds N] [--fixed RUN_MS,FRAME_MS]`
 */
import { loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { FrameDetections } from "@sightline/contracts";
import { type BatchGoal, batchGoals } from "../../services/inference/src/batch-curve.ts";
import { findModel } from "../../services/inference/src/model-directory.ts";
import { BenchProcess } from "./bench-process.ts";
import {
  type BenchNats,
  modelOptions,
  registerCameras,
  startBenchSystem,
  startModelWorker,
} from "./bench-system.ts";
import type { FixedWorkerCounts, FixedWorkerSettings } from "./fixed-worker-process.ts";
import type { HolderCounts, HolderSettings } from "./frame-holder-process.ts";
import { median, quantile } from "./measure.ts";

export interface OverloadOptions {
  models: string;
  model: string;
  goal: BatchGoal;
  /** Frames of a batch at most, or auto. */
  batch: string;
  threads: number;
  /** Frames per second of each camera; there are as many cameras as the load needs. */
  fps: number;
  /** How many times more frames are offered than are inferred. */
  times: number;
  seconds: number;
  /** Instead of a model: milliseconds of a run, and of each of its frames beyond that. */
  fixed: { runMs: number; frameMs: number } | undefined;
}

/** Milliseconds. */
export interface Spread {
  p50: number;
  p95: number;
  p99: number;
}

export interface OverloadReport {
  /** Frames per second that were offered and inferred. */
  offered: number;
  inferred: number;
  cameras: number;
  /** The size that most frames were inferred in, the share of frames that were, and the median time of its runs. */
  batch: number;
  batchShare: number;
  runMs: number;
  /** Capture → published, and its parts: how old the frame was when handed over, from the request to the run, the run, and what came after. */
  published: Spread;
  handedOver: Spread;
  batched: Spread;
  ran: Spread;
  after: Spread;
  /** Twice the time of a run and a frame interval. */
  barMs: number;
  held: boolean;
  load: number;
}

interface Result {
  batch: number;
  /** Milliseconds. */
  handedOver: number;
  batched: number;
  ran: number;
  after: number;
}

/** Cameras that always have a frame, to find out how many a second are inferred. */
const greedyCameras = 16;
/** Measurements begin so long after a change: the batch is chosen anew every second or so. */
const settleMs = 6_000;

/** Measures with a NATS server and processes of its own. */
export async function benchOverload(options: OverloadOptions): Promise<OverloadReport> {
  const { nats, connection, buckets, stop } = await startBenchSystem();
  const results: Result[] = [];
  connection.subscribe("detections.*", {
    callback: (_error, { data }) => void results.push(resultOf(FrameDetections.decode(data))),
  });
  const measure = async () => {
    await delay(settleMs);
    results.length = 0;
    const begin = performance.now();
    await delay(options.seconds * 1_000);
    return { results: results.slice(), seconds: (performance.now() - begin) / 1_000 };
  };
  let worker: { stop(): Promise<unknown> } | undefined;
  try {
    const whileOffered = async <T>(cameras: HolderSettings["cameras"], action: () => Promise<T>) => {
      await registerCameras(buckets, options.model, cameras);
      const holder = await BenchProcess.start<HolderCounts>("./frame-holder-process.ts", {
        ...{ nats, cameras, shares: true },
        ...(await frameOf(options)),
      } satisfies HolderSettings);
      try {
        return await action();
      } finally {
        await holder.stop();
      }
    };
    worker = await startWorker(options, nats);
    const greedy = await whileOffered(cameras(greedyCameras, 0), measure);
    const capacity = greedy.results.length / greedy.seconds;
    const count = Math.ceil((options.times * capacity) / options.fps);
    const measured = await whileOffered(cameras(count, options.fps), measure);
    return reportOf(measured, count, options.fps);
  } finally {
    await worker?.stop();
    await stop();
  }
}

function cameras(count: number, fps: number): HolderSettings["cameras"] {
  return Array.from({ length: count }, (_, i) => ({ id: `camera-${fps}-${i + 1}`, fps }));
}

/** Without a model, as large as those of the model that ships. */
async function frameOf({ model, models, fixed }: OverloadOptions) {
  return {
    model,
    ...(fixed ? { width: 512, height: 384 } : (await findModel(models, model)).manifest.frame),
  };
}

async function startWorker(options: OverloadOptions, nats: BenchNats): Promise<{ stop(): Promise<unknown> }> {
  const { goal, batch, fixed } = options;
  if (fixed) {
    const settings: FixedWorkerSettings = {
      ...{ nats, ...fixed },
      ...(batch === "auto" ? { goal } : {}),
      ...(await frameOf(options)),
      batchSize: batch === "auto" ? 8 : Number(batch),
    };
    return BenchProcess.start<FixedWorkerCounts>("./fixed-worker-process.ts", settings);
  }
  const worker = await startModelWorker(nats, options, {
    SIGHTLINE_EXECUTION_PROVIDER: "cpu",
    SIGHTLINE_BATCH_GOAL: goal,
    SIGHTLINE_BATCH_SIZE: batch,
  });
  return { stop: () => worker.kill("SIGKILL") };
}

function resultOf({ inference, timings }: FrameDetections): Result {
  const { decodeUs, queueUs, batchUs, inferUs, postUs } = timings!;
  return {
    batch: inference!.batchSize,
    handedOver: (decodeUs + queueUs) / 1_000,
    batched: batchUs / 1_000,
    ran: inferUs / 1_000,
    after: postUs / 1_000,
  };
}

function reportOf(
  { results, seconds }: { results: readonly Result[]; seconds: number },
  cameras: number,
  fps: number,
): OverloadReport {
  const sizes = new Map<number, number>();
  for (const { batch } of results) sizes.set(batch, (sizes.get(batch) ?? 0) + 1);
  const [batch, frames] = [...sizes].sort((a, b) => b[1] - a[1])[0]!;
  const runMs = median(results.filter((result) => result.batch === batch).map(({ ran }) => ran));
  const ages = results.map(({ handedOver, batched, ran, after }) => handedOver + batched + ran + after);
  const published = spread(ages);
  const barMs = 2 * (runMs + 1_000 / fps);
  return {
    ...{ offered: cameras * fps, inferred: results.length / seconds, cameras },
    ...{ batch, batchShare: frames / results.length, runMs, published },
    handedOver: spread(results.map(({ handedOver }) => handedOver)),
    batched: spread(results.map(({ batched }) => batched)),
    ran: spread(results.map(({ ran }) => ran)),
    after: spread(results.map(({ after }) => after)),
    ...{ barMs, held: published.p99 <= barMs, load: loadavg()[0]! },
  };
}

function spread(values: readonly number[]): Spread {
  return { p50: quantile(values, 0.5), p95: quantile(values, 0.95), p99: quantile(values, 0.99) };
}

function lines(report: OverloadReport): string {
  const row = (name: string, { p50, p95, p99 }: Spread) =>
    `${name.padEnd(22)}${[p50, p95, p99].map((ms) => ms.toFixed(1).padStart(9)).join("")}`;
  return [
    `${report.cameras} cameras offer ${report.offered}/s, ${report.inferred.toFixed(1)}/s are inferred, load average ${report.load.toFixed(1)}`,
    `batch ${report.batch} (${(100 * report.batchShare).toFixed(0)}% of the frames), a run takes ${report.runMs.toFixed(1)} ms`,
    `${"milliseconds".padEnd(22)}${["p50", "p95", "p99"].map((name) => name.padStart(9)).join("")}`,
    row("age at hand-over", report.handedOver),
    row("request to run", report.batched),
    row("run", report.ran),
    row("run to published", report.after),
    row("capture to published", report.published),
    `bar of p99: 2 × (a run + a frame interval) = ${report.barMs.toFixed(0)} ms: ${report.held ? "held" : "MISSED"}`,
  ].join("\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      ...modelOptions,
      goal: { type: "string", default: "balanced" },
      batch: { type: "string", default: "auto" },
      fps: { type: "string", default: "10" },
      times: { type: "string", default: "4" },
      seconds: { type: "string", default: "20" },
      fixed: { type: "string" },
    },
  });
  const [runMs, frameMs] = (values.fixed ?? "").split(",").map(Number);
  const goal = batchGoals.find((name) => name === values.goal);
  if (!goal) throw new Error(`--goal is one of ${batchGoals.join(", ")}`);
  const report = await benchOverload({
    ...{ models: values.models, model: values.model, goal, batch: values.batch },
    ...{ threads: Number(values.threads), fps: Number(values.fps) },
    ...{ times: Number(values.times), seconds: Number(values.seconds) },
    fixed: values.fixed === undefined ? undefined : { runMs: runMs!, frameMs: frameMs ?? 0 },
  });
  if (values.json) console.log(JSON.stringify(report));
  else console.error(lines(report));
  if (!report.held) process.exitCode = 1;
}
