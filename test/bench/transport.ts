/**
 * How many frames go from their holder through NATS to a worker, how fairly, and how old they are.
 * `node test/bench/transport.ts [--json] [--frame WxH] [--frames gbrp|i420] [--seconds N] [--rounds N] [--secure] [--only PART,…]`
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import {
  cameraIdOf,
  FrameDetections,
  frameMessageBytes,
  type PixelFormatName,
  pixelFormatOf,
  readyConsumer,
  readyStream,
  streams,
} from "@sightline/contracts";
import { accessOptions, ensureStream, ensureStreams } from "@sightline/service";
import type { NatsServer } from "@sightline/service/testing";
import { BenchProcess } from "./bench-process.ts";
import { accessTo, type BenchNats, startBenchNats } from "./bench-system.ts";
import type { FixedWorkerCounts, FixedWorkerSettings } from "./fixed-worker-process.ts";
import type { HolderCounts, HolderSettings } from "./frame-holder-process.ts";
import { jain, median, quantile } from "./measure.ts";
import type { PlainClientCounts, PlainClientSettings } from "./plain-client-process.ts";
import { type FrameCpu, type Rate, type RateReport, rateLine, rateOf, rateReport } from "./transport-rate.ts";

export interface TransportOptions {
  /** Size of the frames in pixels. */
  frame: { width: number; height: number };
  /** How they are laid out; default gbrp. */
  pixelFormat?: PixelFormatName;
  /** Length of one measurement. */
  seconds: number;
  /** How often throughput is measured by each way, in turn. */
  rounds: number;
  /** Which parts are measured; default all. */
  only?: readonly TransportPart[];
  /** NATS by TLS, with a key and permissions for each service. */
  secure?: boolean;
}

export const transportParts = ["rates", "engine", "overload"] as const;
export type TransportPart = (typeof transportParts)[number];

/** How busy the service keeps an engine that takes 2.36 ms for each frame, as YOLO-NAS S in INT8 on a T4. */
export interface EngineReport {
  batch: number;
  sessions: number;
  /** Medians over rounds: frames per second, the share of what the engine can do, and of the time in which it ran. */
  framesPerSecond: number;
  share: number;
  busy: number;
  /** Processor time of a frame (median). */
  cpuMs: FrameCpu;
}

export interface LoadReport {
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

/**
 * Ways to have a frame: by the frame protocol with a worker that does nothing in batches of 8, the pixels in shared memory
 * (`handles`) or in the messages (`bytes`); and the same bytes by plain NATS requests, 8 at a time (`plain`).
 */
const ways = ["handles", "bytes", "plain"] as const;
type Way = (typeof ways)[number];

export interface RatesReport extends Record<Way, RateReport> {
  /** Handles against plain requests, medians over rounds of the shares in one round: of the rate, and of the processor time. */
  rateShare: number;
  cpuShare: number;
}

export interface TransportReport extends Partial<RatesReport> {
  frameBytes: number;
  engine: EngineReport[];
  overload: LoadReport[];
}

const model = "bench";
const cameras = (count: number, fps: number, first = 1) =>
  Array.from({ length: count }, (_, i) => ({ id: `camera-${i + first}`, fps }));

const engineFrameMs = 2.36;
const engines = [
  { batch: 1, sessions: 1 },
  { batch: 1, sessions: 2 },
  { batch: 8, sessions: 1 },
  { batch: 8, sessions: 2 },
  { batch: 32, sessions: 1 },
  { batch: 32, sessions: 2 },
];

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
  const { frame, pixelFormat, only = transportParts } = options;
  const frameBytes = frameMessageBytes(frame.width, frame.height, pixelFormatOf(pixelFormat));
  const rates = only.includes("rates") ? await measureRates(options, say) : {};
  const engine = only.includes("engine") ? await measureEngines(options, say) : [];
  const overload: LoadReport[] = [];
  for (const load of only.includes("overload") ? overloads : []) {
    overload.push(await measureOverload(load, options));
    say(overloadLine(overload.at(-1)!));
  }
  return { frameBytes, ...rates, engine, overload };
}

async function measureRates(options: TransportOptions, say: (line: string) => void): Promise<RatesReport> {
  const rates: Record<Way, Rate[]> = { handles: [], bytes: [], plain: [] };
  for (let round = 0; round < options.rounds; round++)
    for (const way of ways) {
      const measured = way === "plain" ? await plainRate(options) : await protocolRate(way, options);
      rates[way].push(measured);
      say(`round ${round + 1}, ${way}: ${rateLine(measured)}`);
    }
  const shares = (of: (rate: Rate) => number) =>
    median(rates.handles.map((rate, round) => of(rate) / of(rates.plain[round]!)));
  const report = {
    handles: rateReport(rates.handles),
    bytes: rateReport(rates.bytes),
    plain: rateReport(rates.plain),
    rateShare: shares(({ framesPerSecond }) => framesPerSecond),
    cpuShare: shares(({ cpuMs }) => cpuMs.sum),
  };
  say(
    `handles: ${report.rateShare.toFixed(2)} × the rate of plain requests, ${report.cpuShare.toFixed(3)} × their processor time`,
  );
  return report;
}

/** Each in turn, so that whatever else the machine does meets all alike. */
async function measureEngines(
  options: TransportOptions,
  say: (line: string) => void,
): Promise<EngineReport[]> {
  const { frame, seconds, rounds } = options;
  const held = { ...frame, cameras: cameras(32, 0), shares: true };
  const measured = engines.map((engine) => ({ ...engine, rates: [] as Rate[] }));
  for (let round = 0; round < rounds; round++)
    for (const { batch, sessions, rates } of measured) {
      const settings = { batchSize: batch, runMs: 0, frameMs: engineFrameMs, sessions };
      rates.push(
        await withHolder(options, held, async (server, nats, holder) =>
          rateOf(await startWorker(nats, options, settings), holder, server, seconds),
        ),
      );
      const { busy } = rates.at(-1)!;
      say(
        `round ${round + 1}, engine, batch ${batch}, ${sessions} session(s): busy ${(100 * busy!).toFixed(1)}%, ${rateLine(rates.at(-1)!)}`,
      );
    }
  return measured.map(({ batch, sessions, rates }) => {
    const { median: framesPerSecond, cpuMs } = rateReport(rates);
    const share = (framesPerSecond * engineFrameMs) / 1_000;
    return { batch, sessions, framesPerSecond, share, busy: median(rates.map(({ busy }) => busy!)), cpuMs };
  });
}

/** A NATS server with streams, and a holder of these cameras' frames, for the time of `measure`. */
async function withHolder<T>(
  { secure = false, pixelFormat = "gbrp" }: TransportOptions,
  held: Pick<HolderSettings, "cameras" | "shares" | "width" | "height">,
  measure: (server: NatsServer, nats: BenchNats, holder: BenchProcess<HolderCounts>) => Promise<T>,
): Promise<T> {
  const { server, nats } = await startBenchNats(secure);
  const connection = await connectAsOperator(nats);
  const manager = await jetstreamManager(connection);
  await ensureStreams(manager, { maxAgeSeconds: 3_600, maxBytes: 256 * 1024 ** 2, replicas: 1 });
  await ensureStream(manager, readyStream(1));
  await manager.consumers.add(streams.ready, readyConsumer(model));
  await connection.close();
  const settings: HolderSettings = { nats, model, pixelFormat, ...held };
  const holder = await BenchProcess.start<HolderCounts>("./frame-holder-process.ts", settings);
  try {
    return await measure(server, nats, holder);
  } finally {
    await holder.stop();
    await server.stop();
  }
}

function connectAsOperator(nats: BenchNats): Promise<NatsConnection> {
  return connect(accessOptions(accessTo(nats, "operator"), "operator"));
}

async function startWorker(
  nats: BenchNats,
  { frame, pixelFormat = "gbrp" }: Pick<TransportOptions, "frame" | "pixelFormat">,
  work: Pick<FixedWorkerSettings, "batchSize" | "runMs" | "frameMs" | "sessions">,
): Promise<BenchProcess<FixedWorkerCounts>> {
  const settings: FixedWorkerSettings = { nats, model, ...frame, pixelFormat, ...work };
  return BenchProcess.start<FixedWorkerCounts>("./fixed-worker-process.ts", settings);
}

async function protocolRate(way: "handles" | "bytes", options: TransportOptions): Promise<Rate> {
  const { frame, seconds } = options;
  const held = { ...frame, cameras: cameras(16, 0), shares: way === "handles" };
  return withHolder(options, held, async (server, nats, holder) =>
    rateOf(await startWorker(nats, options, { batchSize: 8, runMs: 0 }), holder, server, seconds),
  );
}

async function plainRate(options: TransportOptions): Promise<Rate> {
  const { frame, seconds } = options;
  return withHolder(options, { ...frame, cameras: [], shares: false }, async (server, nats, holder) => {
    const settings: PlainClientSettings = { nats, parallel: 8 };
    const client = await BenchProcess.start<PlainClientCounts>("./plain-client-process.ts", settings);
    return rateOf(client, holder, server, seconds);
  });
}

async function measureOverload(
  load: (typeof overloads)[number],
  options: TransportOptions,
): Promise<LoadReport> {
  const { frame: size, seconds } = options;
  return withHolder(options, { ...size, cameras: load.cameras, shares: true }, async (_server, nats) => {
    const worker = await startWorker(nats, options, { batchSize: 1, runMs: load.runMs });
    const connection = await connectAsOperator(nats);
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

function overloadLine(report: LoadReport): string {
  const ages = (["handedOver", "started", "published"] as const)
    .map((key) => `${key} ${report[key].p50.toFixed(0)}/${report[key].p99.toFixed(0)} ms`)
    .join(", ");
  return `${report.name}: ${report.inferred.toFixed(1)}/s of ${report.offered}/s, Jain ${report.jain.toFixed(4)}, ${ages} (p50/p99), busy ${(100 * report.busy).toFixed(1)}%`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      frame: { type: "string", default: "640x640" },
      frames: { type: "string", default: "gbrp" },
      seconds: { type: "string", default: "10" },
      rounds: { type: "string", default: "3" },
      secure: { type: "boolean", default: false },
      only: { type: "string", default: transportParts.join(",") },
    },
  });
  const [width, height] = values.frame.split("x").map(Number);
  if (!width || !height) throw new Error(`--frame ${values.frame}: expected a size such as 640x640`);
  const options = {
    frame: { width, height },
    pixelFormat: values.frames === "i420" ? ("i420" as const) : ("gbrp" as const),
    seconds: Number(values.seconds),
    rounds: Number(values.rounds),
    secure: values.secure,
    only: values.only.split(",") as TransportPart[],
  };
  const report = await benchTransport(options, (line) => console.error(line));
  if (values.json) console.log(JSON.stringify(report));
}
