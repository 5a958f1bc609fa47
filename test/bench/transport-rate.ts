/** What frames cost by one way from their holder to a worker: how many a second, and the processor time of each. */
import { setTimeout as delay } from "node:timers/promises";
import type { NatsServer } from "@sightline/service/testing";
import type { BenchProcess } from "./bench-process.ts";
import type { FixedWorkerCounts } from "./fixed-worker-process.ts";
import type { HolderCounts } from "./frame-holder-process.ts";
import { median, processUsage } from "./measure.ts";
import type { PlainClientCounts } from "./plain-client-process.ts";

/** Processor time of one frame in milliseconds. */
export interface FrameCpu {
  holder: number;
  nats: number;
  worker: number;
  sum: number;
}

/** Frames per second of each round and their median, and what one frame costs (median). */
export interface RateReport {
  rounds: number[];
  median: number;
  cpuMs: FrameCpu;
}

/** What one round measured. */
export interface Rate {
  framesPerSecond: number;
  cpuMs: FrameCpu;
  /** Share of the time in which a worker's run was under way. */
  busy?: number;
}

/** Frames per second that a process takes, after a second to get going; ends it. */
export async function rateOf(
  worker: BenchProcess<PlainClientCounts & Partial<FixedWorkerCounts>>,
  holder: BenchProcess<HolderCounts>,
  server: NatsServer,
  seconds: number,
): Promise<Rate> {
  const counts = async () => {
    const [at, taken, nats] = await Promise.all([
      holder.counts(),
      worker.counts(),
      processUsage(server.pid!),
    ]);
    const cpu = { holder: at.cpuMs, worker: taken.cpuMs, nats: nats.cpuSeconds * 1_000 };
    return { time: performance.now(), frames: taken.frames, busyMs: taken.busyMs ?? 0, cpu };
  };
  try {
    await delay(1_000);
    const before = await counts();
    await delay(seconds * 1_000);
    const after = await counts();
    const frames = after.frames - before.frames;
    const cpuOf = (part: "holder" | "nats" | "worker") => (after.cpu[part] - before.cpu[part]) / frames;
    const elapsed = after.time - before.time;
    const [held, nats, taken] = [cpuOf("holder"), cpuOf("nats"), cpuOf("worker")];
    return {
      framesPerSecond: (frames * 1_000) / elapsed,
      busy: (after.busyMs - before.busyMs) / elapsed,
      cpuMs: { holder: held, nats, worker: taken, sum: held + nats + taken },
    };
  } finally {
    await worker.stop();
  }
}

export function rateReport(rates: readonly Rate[]): RateReport {
  const cpu = (part: keyof FrameCpu) => median(rates.map(({ cpuMs }) => cpuMs[part]));
  return {
    rounds: rates.map(({ framesPerSecond }) => framesPerSecond),
    median: median(rates.map(({ framesPerSecond }) => framesPerSecond)),
    cpuMs: { holder: cpu("holder"), nats: cpu("nats"), worker: cpu("worker"), sum: cpu("sum") },
  };
}

export function rateLine({ framesPerSecond, cpuMs: { holder, nats, worker, sum } }: Rate): string {
  const parts = `holder ${holder.toFixed(2)}, NATS ${nats.toFixed(2)}, worker ${worker.toFixed(2)}`;
  return `${framesPerSecond.toFixed(0)}/s (CPU per frame: ${parts}, sum ${sum.toFixed(2)} ms)`;
}
