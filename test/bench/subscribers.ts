/**
 * How many frames a second reach how many subscribers, how late, and at what cost: a worker's message through a real
 * nats-server and a real results process to subscribers in another process; then the same messages from a bare gRPC
 * server that does nothing but write ready-made bytes.
 * `node test/bench/subscribers.ts [--subscribers N] [--rate R] [--duration S] [--start newest] [--highest] [--secure] [--profile DIR] [--json]`
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { BenchProcess } from "./bench-process.ts";
import { processUsage, quantile } from "./measure.ts";
import { BareServer, type BenchedServer, ResultsServer } from "./subscriber-servers.ts";
import type { SubscriberCounts, SubscriberSettings } from "./subscribers-client-process.ts";

export interface SubscribersOptions {
  subscribers: number;
  /** Frames per second that each subscriber gets. */
  rate: number;
  /** Seconds of measurement, after two to get going. */
  duration: number;
  /** Live subscribers skip what they cannot take; those that start with newest get everything. */
  mode: "live" | "newest";
  /** Directory for a CPU profile of the results process. */
  profile?: string;
  /** Also look for the highest rate that holds. */
  highest?: boolean;
  /** Also with TLS and users, each subscriber with a token that sees one camera. */
  secure?: boolean;
}

/** What one server did. */
export interface SubscribersFigures {
  /** Messages per second to all subscribers together. */
  deliveredPerSecond: number;
  /** From a frame's capture to its arrival in the subscribers' process. */
  latencyMs: { p50: number; p99: number };
  /** From the worker's message to the analysed frame, both as NATS stored them: whether subscribers delay the analysis. */
  analysisMs?: { p50: number; p99: number } | undefined;
  /** Messages that never came. */
  lost: number;
  /** Of the server's process, over the measurement. */
  serverCpuSeconds: number;
  /**
   * How much the process has grown. Mostly V8's young generation, which grows once, and garbage that is not collected yet. After a
   * collection a subscriber holds 7 KiB of heap.
   */
  rssBytesPerSubscriber: number;
  /** Of the subscribers' process. */
  clientCpuSeconds: number;
  messageBytes: number;
}

export interface SubscribersReport extends SubscribersFigures {
  subscribers: number;
  rate: number;
  seconds: number;
  mode: string;
  /** The bare server in the same run. */
  bare: SubscribersFigures;
  /** Results with TLS and users in the same run. */
  secure?: SubscribersFigures | undefined;
  /** The highest rate, in steps of ten, at which none is lost and p99 is below 40 ms; 0 when `rate` itself does not hold. */
  highestRate?: number;
}

const warmUpSeconds = 2;
/** How long the last messages may take, in milliseconds. */
const patienceMs = 10_000;
const perConnection = 50;
const latencyLimitMs = 40;
const rateStep = 10;

/** Measures the results service, then the bare server. */
export async function benchSubscribers(options: SubscribersOptions): Promise<SubscribersReport> {
  const { profile, secure: withSecure } = options;
  const open = { subscribers: options.subscribers, ...(profile && { profile }) };
  const results = await measure(await ResultsServer.start(open), options);
  const secure = withSecure
    ? await measure(await ResultsServer.start({ ...open, secure: true }), options)
    : undefined;
  const bare = await measure(await BareServer.start(), options);
  const { subscribers, rate, duration, mode, highest } = options;
  const highestRate = highest ? await highestRateThatHolds(options) : undefined;
  return { subscribers, rate, seconds: duration, mode, ...results, bare, secure, highestRate };
}

async function highestRateThatHolds(options: SubscribersOptions): Promise<number> {
  for (let rate = options.rate, held = 0; ; rate += rateStep) {
    const { lost, latencyMs } = await measure(
      await ResultsServer.start({ subscribers: options.subscribers }),
      {
        ...options,
        rate,
      },
    );
    if (lost > 0 || latencyMs.p99 >= latencyLimitMs) return held;
    held = rate;
  }
}

async function measure(
  server: BenchedServer,
  { subscribers, rate, duration, mode }: SubscribersOptions,
): Promise<SubscribersFigures> {
  const frames = Math.round(rate * (warmUpSeconds + duration));
  const connections = Math.ceil(subscribers / perConnection);
  const settings: SubscriberSettings = {
    address: server.address,
    subscribers,
    connections,
    mode,
    secure: server.secure,
  };
  const rssBefore = (await processUsage(server.pid)).rssBytes;
  let clients: BenchProcess<SubscriberCounts> | undefined;
  try {
    clients = await BenchProcess.start<SubscriberCounts>("./subscribers-client-process.ts", settings);
    const sent = server.send(frames, rate);
    await delay(warmUpSeconds * 1_000);
    const [before, cpuBefore] = [await clients.counts(), await processUsage(server.pid)];
    const begin = performance.now();
    await delay(duration * 1_000 - 100);
    const [after, cpuAfter] = [await clients.counts(), await processUsage(server.pid)];
    const seconds = (performance.now() - begin) / 1_000;
    await sent;
    const lost = await missing(clients, frames * subscribers);
    const analysis = (await server.analysisMs()).slice(rate * warmUpSeconds);
    return {
      deliveredPerSecond: Math.round((after.received - before.received) / seconds),
      latencyMs: after.latencyMs,
      ...(analysis.length > 0 && {
        analysisMs: { p50: rounded(quantile(analysis, 0.5)), p99: rounded(quantile(analysis, 0.99)) },
      }),
      lost,
      serverCpuSeconds: rounded(cpuAfter.cpuSeconds - cpuBefore.cpuSeconds),
      rssBytesPerSubscriber: Math.round((cpuAfter.rssBytes - rssBefore) / subscribers),
      clientCpuSeconds: rounded((after.cpuMs - before.cpuMs) / 1_000),
      messageBytes: after.messageBytes,
    };
  } finally {
    await clients?.stop();
    await server.stop();
  }
}

/** How many of the messages did not come, or came out of turn, once no more come. */
async function missing(clients: BenchProcess<SubscriberCounts>, expected: number): Promise<number> {
  const deadline = performance.now() + patienceMs;
  let counts = await clients.counts();
  while (counts.inTurn < expected && performance.now() < deadline) {
    await delay(100);
    counts = await clients.counts();
  }
  return expected - counts.inTurn;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

function figuresLine(name: string, figures: SubscribersFigures): string {
  const { deliveredPerSecond, latencyMs, analysisMs, lost, serverCpuSeconds, rssBytesPerSubscriber } =
    figures;
  const analysed = analysisMs ? `  analysed within p50 ${analysisMs.p50} ms  p99 ${analysisMs.p99} ms` : "";
  return `${name.padEnd(8)} ${deliveredPerSecond}/s  p50 ${latencyMs.p50} ms  p99 ${latencyMs.p99} ms${analysed}  lost ${lost}  server CPU ${serverCpuSeconds} s  ${(rssBytesPerSubscriber / 1024).toFixed(0)} KiB a subscriber`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      subscribers: { type: "string", default: "1000" },
      rate: { type: "string", default: "30" },
      duration: { type: "string", default: "10" },
      start: { type: "string", default: "live" },
      profile: { type: "string" },
      highest: { type: "boolean", default: false },
      secure: { type: "boolean", default: false },
    },
  });
  const { start: mode } = values;
  if (mode !== "live" && mode !== "newest") throw new Error("--start is live or newest");
  const [subscribers, rate, duration] = [values.subscribers, values.rate, values.duration].map(Number);
  const report = await benchSubscribers({
    subscribers: subscribers!,
    rate: rate!,
    duration: duration!,
    mode,
    profile: values.profile,
    highest: values.highest,
    secure: values.secure,
  });
  if (values.json) console.log(JSON.stringify(report));
  else {
    console.log(
      `${report.subscribers} subscribers × ${rate}/s, ${mode}, ${duration} s, ${report.messageBytes} bytes a message`,
    );
    console.log(figuresLine("results", report));
    if (report.secure) console.log(figuresLine("secure", report.secure));
    console.log(figuresLine("bare", report.bare));
    if (report.highestRate !== undefined) console.log(`highest rate that holds: ${report.highestRate}/s`);
  }
}
