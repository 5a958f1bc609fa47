/**
 * How many frames go from their holder through NATS to a worker, how fairly, and how old they are.
 * `node test/bench/transport.ts [--json] [--seconds N] [--rounds N]`
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import {
  cameraIdOf,
  FrameDetections,
  frameMessageBytes,
  readyConsumer,
  readyStream,
  streams,
} from "@sightline/contracts";
import { ensureStream, ensureStreams } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { BenchProcess } from "./bench-process.ts";
import type { FixedWorkerCounts, FixedWorkerSettings } from "./fixed-worker-process.ts";
import type { HolderCounts, HolderSettings } from "./frame-holder-process.ts";
import type { PlainClientCounts, PlainClientSettings } from "./plain-client-process.ts";
import { jain, median, quantile } from "./statistics.ts";

export interface TransportOptions {
  /** Length of one measurement. */
  seconds: number;
  /** How often throughput is measured by each way, in turn. */
  rounds: number;
}

export interface OverloadReport {
  name: string;
  /** Frames per second offered and inferred. */
  offered: number;
  inferred: number;
  jain: number;
  /** Milliseconds from capture to the hand-over to the worker, to the start of inference, and to publication. */
  handedOver: { p50: number; p99: number };
  started: { p50: number; p99: number };
  published: { p50: number; p99: number };
  /** Share of the time in which the worker inferred. */
  busy: number;
}

/** Frames per second of each round and their median, and what one frame costs in processor time (median, ms). */
export interface RateReport {
  rounds: number[];
  median: number;
  holderCpuMs: number;
  workerCpuMs: number;
}

export interface TransportReport {
  frameBytes: number;
  /** By the frame protocol, with a worker that does nothing in batches of 8. */
  protocol: RateReport;
  /** The same bytes by plain NATS requests, 8 at a time. */
  plain: RateReport;
  overload: OverloadReport[];
}

const model = "bench";
const size = { width: 640, height: 320 };
const cameras = (count: number, fps: number, first = 1) =>
  Array.from({ length: count }, (_, i) => ({ id: `camera-${i + first}`, fps }));

/** With a run of 50 ms a worker infers 20 frames a second. */
const overloads = [
  { name: "8 cameras × 10/s", runMs: 50, cameras: cameras(8, 10) },
  { name: "8 cameras × 5/s and 1 × 30/s", runMs: 50, cameras: [...cameras(8, 5), ...cameras(1, 30, 9)] },
  { name: "8 cameras × 30/s", runMs: 50, cameras: cameras(8, 30) },
];

/** Measures with a NATS server and processes of its own. */
export async function benchTransport(
  options: TransportOptions,
  say: (line: string) => void = () => undefined,
): Promise<TransportReport> {
  const protocol: Rate[] = [];
  const plain: Rate[] = [];
  for (let round = 0; round < options.rounds; round++) {
    protocol.push(await protocolRate(options.seconds));
    plain.push(await plainRate(options.seconds));
    say(
      `round ${round + 1}: protocol ${rateLine(protocol.at(-1)!)}; plain requests ${rateLine(plain.at(-1)!)}`,
    );
  }
  const overload: OverloadReport[] = [];
  for (const load of overloads) {
    overload.push(await measureOverload(load, options.seconds));
    say(overloadLine(overload.at(-1)!));
  }
  return {
    frameBytes: frameMessageBytes(size.width, size.height),
    protocol: rateReport(protocol),
    plain: rateReport(plain),
    overload,
  };
}

/** A NATS server with streams, and a holder of these cameras' frames, for the time of `measure`. */
async function withHolder<T>(
  held: HolderSettings["cameras"],
  measure: (url: string, holder: BenchProcess<HolderCounts>) => Promise<T>,
): Promise<T> {
  const server = await NatsServer.start();
  const connection = await connect({ servers: server.url });
  const manager = await jetstreamManager(connection);
  await ensureStreams(manager, { maxAgeSeconds: 3_600, maxBytes: 256 * 1024 ** 2, replicas: 1 });
  await ensureStream(manager, readyStream(1));
  await manager.consumers.add(streams.ready, readyConsumer(model));
  await connection.close();
  const settings: HolderSettings = { url: server.url, model, ...size, cameras: held };
  const holder = await BenchProcess.start<HolderCounts>("./frame-holder-process.ts", settings);
  try {
    return await measure(server.url, holder);
  } finally {
    await holder.stop();
    await server.stop();
  }
}

async function startWorker(
  url: string,
  batchSize: number,
  runMs: number,
): Promise<BenchProcess<FixedWorkerCounts>> {
  const settings: FixedWorkerSettings = { url, model, ...size, batchSize, runMs };
  return BenchProcess.start<FixedWorkerCounts>("./fixed-worker-process.ts", settings);
}

/** What one round measured; processor time per frame in milliseconds. */
interface Rate {
  framesPerSecond: number;
  holderCpuMs: number;
  workerCpuMs: number;
}

async function protocolRate(seconds: number): Promise<Rate> {
  return withHolder(cameras(16, 0), async (url, holder) =>
    rateOf(await startWorker(url, 8, 0), holder, seconds),
  );
}

async function plainRate(seconds: number): Promise<Rate> {
  return withHolder([], async (url, holder) => {
    const settings: PlainClientSettings = { url, parallel: 8 };
    const client = await BenchProcess.start<PlainClientCounts>("./plain-client-process.ts", settings);
    return rateOf(client, holder, seconds);
  });
}

/** Frames per second that a process takes, after a second to get going; ends it. */
async function rateOf(
  worker: BenchProcess<PlainClientCounts>,
  holder: BenchProcess<HolderCounts>,
  seconds: number,
): Promise<Rate> {
  const counts = async () => {
    const [at, taken] = await Promise.all([holder.counts(), worker.counts()]);
    return { time: performance.now(), frames: taken.frames, holder: at.cpuMs, worker: taken.cpuMs };
  };
  try {
    await delay(1_000);
    const before = await counts();
    await delay(seconds * 1_000);
    const after = await counts();
    const frames = after.frames - before.frames;
    return {
      framesPerSecond: (frames * 1_000) / (after.time - before.time),
      holderCpuMs: (after.holder - before.holder) / frames,
      workerCpuMs: (after.worker - before.worker) / frames,
    };
  } finally {
    await worker.stop();
  }
}

function rateReport(rates: readonly Rate[]): RateReport {
  return {
    rounds: rates.map(({ framesPerSecond }) => framesPerSecond),
    median: median(rates.map(({ framesPerSecond }) => framesPerSecond)),
    holderCpuMs: median(rates.map(({ holderCpuMs }) => holderCpuMs)),
    workerCpuMs: median(rates.map(({ workerCpuMs }) => workerCpuMs)),
  };
}

function rateLine({ framesPerSecond, holderCpuMs, workerCpuMs }: Rate): string {
  return `${framesPerSecond.toFixed(0)}/s (CPU per frame: holder ${holderCpuMs.toFixed(2)}, worker ${workerCpuMs.toFixed(2)} ms)`;
}

async function measureOverload(load: (typeof overloads)[number], seconds: number): Promise<OverloadReport> {
  return withHolder(load.cameras, async (url) => {
    const worker = await startWorker(url, 1, load.runMs);
    const connection = await connect({ servers: url });
    const frames = new Map(load.cameras.map(({ id }) => [id, 0]));
    const ages = { handedOver: [] as number[], started: [] as number[], published: [] as number[] };
    await delay(1_000);
    const before = await worker.counts();
    const begin = performance.now();
    connection.subscribe("detections.*", {
      callback: (_error, message) => {
        const { frame, timings } = FrameDetections.decode(message.data);
        const camera = cameraIdOf(frame!.camera)!;
        frames.set(camera, frames.get(camera)! + 1);
        const handedOver = (timings!.decodeUs + timings!.queueUs) / 1_000;
        const started = handedOver + timings!.batchUs / 1_000;
        ages.handedOver.push(handedOver);
        ages.started.push(started);
        ages.published.push(started + (timings!.inferUs + timings!.postUs) / 1_000);
      },
    });
    await delay(seconds * 1_000);
    const counts = [...frames.values()];
    const elapsed = performance.now() - begin;
    const after = await worker.counts();
    await worker.stop();
    await connection.close();
    const spread = (values: number[]) => ({ p50: quantile(values, 0.5), p99: quantile(values, 0.99) });
    return {
      name: load.name,
      offered: load.cameras.reduce((sum, { fps }) => sum + fps, 0),
      inferred: (counts.reduce((a, b) => a + b, 0) * 1_000) / elapsed,
      jain: jain(counts),
      handedOver: spread(ages.handedOver),
      started: spread(ages.started),
      published: spread(ages.published),
      busy: (after.busyMs - before.busyMs) / elapsed,
    };
  });
}

function overloadLine(report: OverloadReport): string {
  const ages = (["handedOver", "started", "published"] as const)
    .map((key) => `${key} ${report[key].p50.toFixed(0)}/${report[key].p99.toFixed(0)} ms`)
    .join(", ");
  return `${report.name}: ${report.inferred.toFixed(1)}/s of ${report.offered}/s, Jain ${report.jain.toFixed(4)}, ${ages} (p50/p99), busy ${(100 * report.busy).toFixed(1)}%`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      seconds: { type: "string", default: "10" },
      rounds: { type: "string", default: "3" },
    },
  });
  const options = { seconds: Number(values.seconds), rounds: Number(values.rounds) };
  const report = await benchTransport(options, (line) => console.error(line));
  if (values.json) console.log(JSON.stringify(report));
}
