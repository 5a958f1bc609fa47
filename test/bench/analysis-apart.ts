/**
 * What the analysis costs in one process with results, and apart from it: memory and processor time of both.
 * `node test/bench/analysis-apart.ts [--cameras N] [--fps N] [--seconds N] [--rounds N]`
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  CameraRules,
  encodeJson,
  FrameDetections,
  formatFrameId,
  streams,
  subjects,
} from "@sightline/contracts";
import { connectNats, createLogger, findBuckets, type Nats } from "@sightline/service";
import { freePort, NatsServer, sampleCamera } from "@sightline/service/testing";
import { ManagedProcess, nodeOptions, projectRoot } from "@sightline/stack";
import { sceneFrame, sceneRules } from "../../services/analysis/src/testing/scene.ts";
import { median, processUsage } from "./measure.ts";

export interface ApartOptions {
  cameras: number;
  /** Frames per second of each. */
  fps: number;
  /** Length of one measurement, after as long to warm up. */
  seconds: number;
  /** How often each way is measured, in turn. */
  rounds: number;
}

/** Of all processes of a way together; cores: processor time as a share of one core. */
interface Cost {
  cores: number;
  rssMib: number;
}

const warmUpSeconds = 15;

/** Measures both ways in turn; each round's costs of one process, and of two. */
export async function benchAnalysisApart(options: ApartOptions): Promise<{ one: Cost[]; two: Cost[] }> {
  const found = { one: [] as Cost[], two: [] as Cost[] };
  for (let round = 0; round < options.rounds; round++) {
    found.one.push(await costOf(["results"], options));
    found.two.push(await costOf(["results", "analysis"], options));
  }
  return found;
}

async function costOf(services: readonly string[], options: ApartOptions): Promise<Cost> {
  const directory = mkdtempSync(join(tmpdir(), "sightline-bench-apart-"));
  const server = await NatsServer.start();
  const nats = await connectNats(server.url, "bench", createLogger("bench", "fatal"));
  const running: ManagedProcess[] = [];
  try {
    for (const name of services) running.push(await start(name, server.url, services.length > 1, directory));
    const log = createLogger("bench", "fatal");
    const buckets = await findBuckets(nats, ["cameras", "cameraRules"], log, AbortSignal.timeout(60_000));
    const names = Array.from({ length: options.cameras }, (_, index) => `camera-${index + 1}`);
    for (const name of names) {
      await buckets.cameraRules.put(name, CameraRules.encode(sceneRules()).finish());
      await buckets.cameras.put(name, encodeJson(sampleCamera()));
    }
    const abort = new AbortController();
    const publishing = Promise.all(names.map((name) => publish(nats, name, options.fps, abort.signal)));
    await delay(warmUpSeconds * 1000);
    const usages = () => Promise.all(running.map(({ child }) => processUsage(child.pid!)));
    const before = await usages();
    await delay(options.seconds * 1000);
    const after = await usages();
    abort.abort();
    const published = (await publishing).reduce((sum, count) => sum + count, 0);
    await delay(1_000);
    const { messages } = (await nats.manager.streams.info(streams.timeline)).state;
    if (messages < published) throw new Error(`${published} frames were published, ${messages} analysed`);
    const cpu = (all: typeof after) => all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    return {
      cores: (cpu(after) - cpu(before)) / options.seconds,
      rssMib: after.reduce((sum, { rssBytes }) => sum + rssBytes, 0) / 1024 ** 2,
    };
  } finally {
    await Promise.all(running.map((process) => process.stop()));
    await nats.connection.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function start(
  name: string,
  natsUrl: string,
  apart: boolean,
  directory: string,
): Promise<ManagedProcess> {
  const http = `127.0.0.1:${await freePort()}`;
  const process = await ManagedProcess.start({
    name,
    command: globalThis.process.execPath,
    args: [...nodeOptions, join(projectRoot, "services", name, "src/main.ts")],
    logFile: join(directory, `${name}.log`),
    env: {
      SIGHTLINE_NATS_URL: natsUrl,
      SIGHTLINE_GRPC: "127.0.0.1:0",
      SIGHTLINE_LOG_LEVEL: "warn",
      SIGHTLINE_ANALYSIS: apart ? "apart" : "here",
      [`SIGHTLINE_${name.toUpperCase()}_HTTP`]: http,
    },
  });
  while (!(await fetch(`http://${http}/readyz`).catch(() => undefined))?.ok) {
    if (!process.running) throw await process.failure();
    await delay(100);
  }
  return process;
}

/** Publishes a camera's frames as a worker does; returns how many. */
async function publish(nats: Nats, camera: string, fps: number, signal: AbortSignal): Promise<number> {
  const startMs = Date.now();
  let count = 0;
  for (; !signal.aborted; count++) {
    const atMs = (count * 1000) / fps;
    const frame = sceneFrame({ camera, number: count + 1, atMs, startMs });
    await delay(Math.max(0, startMs + atMs - Date.now()));
    const msgID = formatFrameId({ camera, epoch: "e1", number: count + 1 });
    await nats.jetstream.publish(subjects.detections(camera), FrameDetections.encode(frame).finish(), {
      msgID,
    });
  }
  return count;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      cameras: { type: "string", default: "4" },
      fps: { type: "string", default: "10" },
      seconds: { type: "string", default: "30" },
      rounds: { type: "string", default: "2" },
    },
  });
  const { cameras, fps, seconds, rounds } = values;
  const found = await benchAnalysisApart({
    cameras: Number(cameras),
    fps: Number(fps),
    seconds: Number(seconds),
    rounds: Number(rounds),
  });
  for (const [way, costs] of Object.entries(found)) {
    const of = (figure: keyof Cost) => median(costs.map((cost) => cost[figure]));
    const each = costs.map(({ cores, rssMib }) => `${cores.toFixed(3)} / ${rssMib.toFixed(0)}`).join(", ");
    console.log(
      `${way.padEnd(4)} ${of("cores").toFixed(3)} cores, ${of("rssMib").toFixed(0)} MiB   (rounds: ${each})`,
    );
  }
}
