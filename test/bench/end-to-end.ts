/**
 * Throughput of the inference service against a bare loop of the same session, and what the rest of the work costs.
 * `node test/bench/end-to-end.ts [--json] [--model NAME] [--models DIR] [--precision int8|fp32] [--provider cpu|cuda|tensorrt]
 * [--batch N] [--frames gbrp|i420] [--cameras N] [--threads N] [--sessions N,…] [--seconds N] [--rounds N]`
 */
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type PixelFormatName, streams } from "@sightline/contracts";
import { processStat } from "@sightline/stack";
import type { ExecutionProvider } from "@sightline/yolo-nas";
import { engineCandidates, type Precision } from "../../services/inference/src/engine-choice.ts";
import { findModel } from "../../services/inference/src/model-directory.ts";
import type { BareLoopCounts, BareLoopSettings } from "./bare-loop-process.ts";
import { BenchProcess } from "./bench-process.ts";
import { modelOptions, registerCameras, startBenchSystem, startModelWorker } from "./bench-system.ts";
import type { HolderCounts, HolderSettings } from "./frame-holder-process.ts";
import { median } from "./measure.ts";

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
  /** Threads of the loop; those of the service's sessions together. */
  threads: number;
  /** How many sessions the service has: it is measured with each of these numbers. */
  sessions: readonly number[];
  /** Length of one measurement. */
  seconds: number;
  /** How often each way is measured, in turn. */
  rounds: number;
}

/** The service with one number of sessions. */
export interface ServiceReport {
  sessions: number;
  /** Frames per second of each round. */
  service: number[];
  /** Median over rounds of the service's throughput as a share of the bare loop's in the same round. */
  throughputShare: number;
  /** Processor time per frame in milliseconds, medians: the whole inference process, its threads that run no session, the frames' holder. */
  serviceCpuMs: number;
  outsideCpuMs: number;
  holderCpuMs: number;
  /** Share of the time in which the service's sessions ran, median. */
  busyShare: number;
  /** Median processor time of threads that run no session, as a share of that of those that do. */
  outsideShare: number;
  /** Median processor time of the process beyond that of the bare loop, as a share of the latter: what the rest of the machine costs the session too. */
  overheadShare: number;
}

/** The service as measured first, and with the other numbers of sessions. */
export interface EndToEndReport extends ServiceReport {
  model: string;
  precision: Precision;
  provider: ExecutionProvider;
  batch: number;
  threads: number;
  /** Frames per second of each round, and processor time per frame in milliseconds. */
  bare: number[];
  bareCpuMs: number;
  others: ServiceReport[];
}

/** What is counted, from a moment on. Milliseconds of processor time. */
interface Counts {
  frames: number;
  cpuMs: number;
  outsideCpuMs: number;
  holderCpuMs: number;
  busySeconds: number;
}

/** Processor time is per frame. */
interface Rate extends Omit<Counts, "frames" | "busySeconds"> {
  framesPerSecond: number;
  busyShare: number;
}

/** As Node names a session's thread; ONNX Runtime's threads have the name of who made them. */
const sessionThreads = /^session/;

/** Measures with a NATS server and processes of its own. */
export async function benchEndToEnd(
  options: EndToEndOptions,
  say: (line: string) => void = () => undefined,
): Promise<EndToEndReport> {
  const bare: Rate[] = [];
  const services = options.sessions.map((sessions) => ({ sessions, rates: [] as Rate[] }));
  for (let round = 0; round < options.rounds; round++) {
    const loop = await bareRate(options);
    bare.push(loop);
    say(`round ${round + 1}: bare ${loop.framesPerSecond.toFixed(2)}/s at ${loop.cpuMs.toFixed(1)} ms CPU`);
    for (const { sessions, rates } of services) {
      const whole = await serviceRate(options, sessions);
      rates.push(whole);
      say(
        `round ${round + 1}: service of ${sessions} ${whole.framesPerSecond.toFixed(2)}/s at ${whole.cpuMs.toFixed(1)} ms CPU, ` +
          `${whole.outsideCpuMs.toFixed(2)} of them outside the session, busy ${(100 * whole.busyShare).toFixed(1)}%`,
      );
    }
  }
  const [first, ...others] = services.map(({ sessions, rates }) => serviceReport(sessions, rates, bare));
  return {
    model: options.model,
    precision: options.precision,
    provider: options.provider,
    batch: options.batch,
    threads: options.threads,
    bare: bare.map(({ framesPerSecond }) => framesPerSecond),
    bareCpuMs: median(bare.map(({ cpuMs }) => cpuMs)),
    ...first!,
    others,
  };
}

function serviceReport(sessions: number, service: readonly Rate[], bare: readonly Rate[]): ServiceReport {
  const shares = service.map(({ framesPerSecond }, i) => framesPerSecond / bare[i]!.framesPerSecond);
  const overheads = service.map(({ cpuMs }, i) => cpuMs / bare[i]!.cpuMs - 1);
  return {
    sessions,
    service: service.map(({ framesPerSecond }) => framesPerSecond),
    throughputShare: median(shares),
    serviceCpuMs: median(service.map(({ cpuMs }) => cpuMs)),
    outsideCpuMs: median(service.map(({ outsideCpuMs }) => outsideCpuMs)),
    holderCpuMs: median(service.map(({ holderCpuMs }) => holderCpuMs)),
    busyShare: median(service.map(({ busyShare }) => busyShare)),
    outsideShare: median(service.map(({ cpuMs, outsideCpuMs }) => outsideCpuMs / (cpuMs - outsideCpuMs))),
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
    const none = { outsideCpuMs: 0, holderCpuMs: 0, busySeconds: 0 };
    return await rate(seconds, async () => ({ ...(await loop.counts()), ...none }));
  } finally {
    await loop.stop();
  }
}

async function serviceRate(options: EndToEndOptions, sessions: number): Promise<Rate> {
  const { models, model, precision, provider, batch, seconds } = options;
  const threads = Math.max(1, Math.floor(options.threads / sessions));
  const { manifest } = await findModel(models, model);
  const { nats, manager, buckets, stop } = await startBenchSystem();
  const cameras = Array.from({ length: options.cameras }, (_, i) => ({ id: `camera-${i + 1}`, fps: 0 }));
  await registerCameras(buckets, model, cameras);
  const worker = await startModelWorker(
    nats,
    { models, model, threads },
    {
      SIGHTLINE_SESSIONS: String(sessions),
      SIGHTLINE_PRECISION: precision,
      SIGHTLINE_EXECUTION_PROVIDER: provider,
      SIGHTLINE_BATCH_SIZE: String(batch),
      SIGHTLINE_MAX_BATCH: String(batch),
      SIGHTLINE_FRAME_FORMAT: options.pixelFormat,
    },
  );
  const settings: HolderSettings = {
    nats,
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
      const [stream, held, used, outsideCpuMs, metrics] = await Promise.all([
        manager.streams.info(streams.detections),
        holder.counts(),
        processStat(worker.pid),
        cpuOutsideMs(worker.pid),
        worker.metrics(),
      ]);
      const busySeconds = Number(/^sightline_inference_busy_seconds_total\{[^}]*\} (.*)$/m.exec(metrics)![1]);
      return {
        frames: stream.state.last_seq,
        cpuMs: 1_000 * used.cpuSeconds,
        outsideCpuMs,
        holderCpuMs: held.cpuMs,
        busySeconds,
      };
    });
  } finally {
    await holder.stop();
    await worker.kill("SIGKILL");
    await stop();
  }
}

/** Processor time of a process's threads that run no session, in milliseconds. */
async function cpuOutsideMs(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const used = await Promise.all(
    threads.map(async (thread) => {
      const name = (await readFile(`/proc/${pid}/task/${thread}/comm`, "utf8")).trim();
      return sessionThreads.test(name) ? 0 : (await processStat(`${pid}/task/${thread}`)).cpuSeconds;
    }),
  );
  return 1_000 * used.reduce((sum, seconds) => sum + seconds, 0);
}

async function rate(seconds: number, counts: () => Promise<Counts>): Promise<Rate> {
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
    outsideCpuMs: (after.outsideCpuMs - before.outsideCpuMs) / frames,
    holderCpuMs: (after.holderCpuMs - before.holderCpuMs) / frames,
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      ...modelOptions,
      precision: { type: "string", default: "int8" },
      provider: { type: "string", default: "cpu" },
      batch: { type: "string", default: "1" },
      frames: { type: "string", default: "gbrp" },
      cameras: { type: "string", default: "8" },
      seconds: { type: "string", default: "10" },
      sessions: { type: "string", default: "1" },
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
      sessions: values.sessions.split(",").map(Number),
      seconds: Number(values.seconds),
      rounds: Number(values.rounds),
    },
    (line) => console.error(line),
  );
  if (values.json) console.log(JSON.stringify(report));
  else
    for (const each of [report, ...report.others])
      console.error(
        `${each.sessions} session(s): service / bare ${each.throughputShare.toFixed(3)}, busy ${(100 * each.busyShare).toFixed(1)}%, ` +
          `CPU of other threads ${(100 * each.outsideShare).toFixed(1)}% of the sessions', of the process ${(100 * each.overheadShare).toFixed(1)}% over the bare loop's`,
      );
}
