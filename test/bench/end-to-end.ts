/**
 * Throughput of the inference service against a bare loop of the same session, and what the rest of the work costs.
 * `node test/bench/end-to-end.ts [--json] [--model NAME] [--models DIR] [--precision int8|fp32] [--provider cpu|cuda|tensorrt]
 * [--batch N] [--frames gbrp|i420] [--cameras N] [--threads N] [--seconds N] [--rounds N]`
 */
import { availableParallelism } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type PixelFormatName, streams } from "@sightline/contracts";
import { connectNats, createLogger, ensureStreams, openBuckets } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { processStat } from "@sightline/stack";
import type { ExecutionProvider } from "@sightline/yolo-nas";
import { engineCandidates, type Precision } from "../../services/inference/src/engine-choice.ts";
import { findModel } from "../../services/inference/src/model-directory.ts";
import { WorkerProcess } from "../../services/inference/src/testing/worker-process.ts";
import type { BareLoopCounts, BareLoopSettings } from "./bare-loop-process.ts";
import { accessTo } from "./bench-nats.ts";
import { BenchProcess } from "./bench-process.ts";
import type { HolderCounts, HolderSettings } from "./frame-holder-process.ts";
import { registerCameras } from "./register-cameras.ts";
import { median } from "./statistics.ts";

export interface EndToEndOptions {
  models: string;
  model: string;
  precision: Precision;
  provider: ExecutionProvider;
  /** Frames of a run, in the loop and in the service. */
  batch: number;
  /** How frames come to the service; the bare loop has them as the file does. */
  pixelFormat: PixelFormatName;
  cameras: number;
  threads: number;
  /** Length of one measurement. */
  seconds: number;
  /** How often each way is measured, in turn. */
  rounds: number;
}

export interface EndToEndReport {
  model: string;
  precision: Precision;
  provider: ExecutionProvider;
  batch: number;
  threads: number;
  /** Frames per second of each round. */
  bare: number[];
  service: number[];
  /** Median over rounds of the service's throughput as a share of the bare loop's in the same round. */
  throughputShare: number;
  /** Processor time per frame in milliseconds, medians: the bare loop, the whole inference process, the frames' holder. */
  bareCpuMs: number;
  serviceCpuMs: number;
  holderCpuMs: number;
  /** Share of the time in which the service's session ran, median. */
  busyShare: number;
  /** The inference process's processor time outside session.run, as a share of that inside. */
  overheadShare: number;
}

interface Rate {
  framesPerSecond: number;
  busyShare: number;
  cpuMs: number;
  holderCpuMs: number;
}

/** Measures with a NATS server and processes of its own. */
export async function benchEndToEnd(
  options: EndToEndOptions,
  say: (line: string) => void = () => undefined,
): Promise<EndToEndReport> {
  const bare: Rate[] = [];
  const service: Rate[] = [];
  for (let round = 0; round < options.rounds; round++) {
    bare.push(await bareRate(options));
    service.push(await serviceRate(options));
    const [loop, whole] = [bare.at(-1)!, service.at(-1)!];
    say(
      `round ${round + 1}: bare ${loop.framesPerSecond.toFixed(2)}/s at ${loop.cpuMs.toFixed(1)} ms CPU, ` +
        `service ${whole.framesPerSecond.toFixed(2)}/s at ${whole.cpuMs.toFixed(1)} ms CPU, session busy ${(100 * whole.busyShare).toFixed(1)}%`,
    );
  }
  const shares = service.map(({ framesPerSecond }, i) => framesPerSecond / bare[i]!.framesPerSecond);
  const overheads = service.map(({ cpuMs }, i) => cpuMs / bare[i]!.cpuMs - 1);
  return {
    model: options.model,
    precision: options.precision,
    provider: options.provider,
    batch: options.batch,
    threads: options.threads,
    bare: bare.map(({ framesPerSecond }) => framesPerSecond),
    service: service.map(({ framesPerSecond }) => framesPerSecond),
    throughputShare: median(shares),
    bareCpuMs: median(bare.map(({ cpuMs }) => cpuMs)),
    serviceCpuMs: median(service.map(({ cpuMs }) => cpuMs)),
    busyShare: median(service.map(({ busyShare }) => busyShare)),
    holderCpuMs: median(service.map(({ holderCpuMs }) => holderCpuMs)),
    overheadShare: median(overheads),
  };
}

async function bareRate(options: EndToEndOptions): Promise<Rate> {
  const { models, model, precision, provider, batch, threads, seconds } = options;
  const { candidates, refusals } = engineCandidates(await findModel(models, model), provider, precision);
  const [candidate] = candidates;
  if (!candidate) throw new Error(refusals[0]?.reason);
  const settings: BareLoopSettings = { path: candidate.path, provider, threads, batch };
  const loop = await BenchProcess.start<BareLoopCounts>("./bare-loop-process.ts", settings);
  try {
    await delay(1_000);
    return await rate(seconds, async () => ({ ...(await loop.counts()), holderCpuMs: 0, busySeconds: 0 }));
  } finally {
    await loop.stop();
  }
}

async function serviceRate(options: EndToEndOptions): Promise<Rate> {
  const { models, model, precision, provider, batch, threads, seconds } = options;
  const { manifest } = await findModel(models, model);
  const server = await NatsServer.start();
  const { connection, manager, kv } = await connectNats(
    accessTo({ url: server.url }, "operator"),
    "bench",
    createLogger("bench", "warn"),
  );
  await ensureStreams(manager, { maxAgeSeconds: 3_600, maxBytes: 256 * 1024 ** 2, replicas: 1 });
  const cameras = Array.from({ length: options.cameras }, (_, i) => ({ id: `camera-${i + 1}`, fps: 0 }));
  await registerCameras(await openBuckets(kv), model, cameras);
  const worker = await WorkerProcess.start({
    SIGHTLINE_NATS_URL: server.url,
    SIGHTLINE_MODEL_DIR: models,
    SIGHTLINE_MODEL: model,
    SIGHTLINE_PRECISION: precision,
    SIGHTLINE_EXECUTION_PROVIDER: provider,
    SIGHTLINE_BATCH_SIZE: String(batch),
    SIGHTLINE_MAX_BATCH: String(batch),
    SIGHTLINE_THREADS: String(threads),
    SIGHTLINE_FRAME_FORMAT: options.pixelFormat,
  });
  const settings: HolderSettings = {
    nats: { url: server.url },
    model,
    ...manifest.frame,
    cameras,
    pixelFormat: options.pixelFormat,
    shares: true,
  };
  const holder = await BenchProcess.start<HolderCounts>("./frame-holder-process.ts", settings);
  try {
    await delay(1_500);
    return await rate(seconds, async () => {
      const [stream, held, used, metrics] = await Promise.all([
        manager.streams.info(streams.detections),
        holder.counts(),
        processStat(worker.pid),
        worker.metrics(),
      ]);
      const busySeconds = Number(/^sightline_inference_busy_seconds_total\{[^}]*\} (.*)$/m.exec(metrics)![1]);
      return {
        frames: stream.state.last_seq,
        cpuMs: 1_000 * used.cpuSeconds,
        holderCpuMs: held.cpuMs,
        busySeconds,
      };
    });
  } finally {
    await holder.stop();
    await worker.kill("SIGKILL");
    await connection.close();
    await server.stop();
  }
}

async function rate(
  seconds: number,
  counts: () => Promise<{ frames: number; cpuMs: number; holderCpuMs: number; busySeconds: number }>,
): Promise<Rate> {
  const before = await counts();
  const begin = performance.now();
  await delay(seconds * 1_000);
  const after = await counts();
  const elapsed = performance.now() - begin;
  const frames = after.frames - before.frames;
  return {
    framesPerSecond: (frames * 1_000) / elapsed,
    busyShare: ((after.busySeconds - before.busySeconds) * 1_000) / elapsed,
    cpuMs: (after.cpuMs - before.cpuMs) / frames,
    holderCpuMs: (after.holderCpuMs - before.holderCpuMs) / frames,
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      models: { type: "string", default: "models" },
      model: { type: "string", default: "yolo-nas-pedestrians" },
      precision: { type: "string", default: "int8" },
      provider: { type: "string", default: "cpu" },
      batch: { type: "string", default: "1" },
      frames: { type: "string", default: "gbrp" },
      cameras: { type: "string", default: "8" },
      threads: { type: "string", default: String(availableParallelism()) },
      seconds: { type: "string", default: "10" },
      rounds: { type: "string", default: "3" },
    },
  });
  const report = await benchEndToEnd(
    {
      models: values.models,
      model: values.model,
      precision: values.precision === "fp32" ? "fp32" : "int8",
      provider: values.provider as ExecutionProvider,
      batch: Number(values.batch),
      pixelFormat: values.frames === "i420" ? "i420" : "gbrp",
      cameras: Number(values.cameras),
      threads: Number(values.threads),
      seconds: Number(values.seconds),
      rounds: Number(values.rounds),
    },
    (line) => console.error(line),
  );
  if (values.json) console.log(JSON.stringify(report));
  else
    console.error(
      `service / bare ${report.throughputShare.toFixed(3)}, CPU outside session.run ${(100 * report.overheadShare).toFixed(1)}% of that inside`,
    );
}
