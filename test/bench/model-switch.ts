/** How a change of a model's version is felt: frames lost or doubled, latency, and memory, over many changes under load. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect, type FrameDetections } from "@sightline/client";
import { projectRoot, RtspCameras, Stack } from "@sightline/stack";
import { Scrape, stackPorts } from "../system/system.ts";
import { processUsage, quantile } from "./measure.ts";

const model = "yolo-nas-pedestrians";

export interface SwitchOptions {
  cameras: number;
  fps: number;
  switches: number;
  /** Seconds without a change before the first, and after each. */
  seconds: number;
}

interface Seen {
  camera: string;
  number: number;
  version: string;
  at: number;
  latencyMs: number;
  /** Where that went: waiting for a worker, for the batch, and its run. */
  queueMs: number;
  batchMs: number;
  inferMs: number;
}

/** From capture to publication by the worker. */
function latencyOf({ timings }: FrameDetections): number {
  const { decodeUs = 0, queueUs = 0, batchUs = 0, inferUs = 0, postUs = 0 } = timings ?? {};
  return (decodeUs + queueUs + batchUs + inferUs + postUs) / 1000;
}

/** A folder of models with the bundled one, and beside it a version of it that holds the INT8 file alone. */
function twoVersions(directory: string): void {
  const own = join(directory, model);
  cpSync(join(projectRoot, "models", model), own, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(own, "model.json"), "utf8"));
  const { int8Cpu } = manifest.files;
  const other = join(own, "versions", "other");
  mkdirSync(other, { recursive: true });
  cpSync(join(own, int8Cpu.file), join(other, int8Cpu.file));
  writeFileSync(join(other, "model.json"), JSON.stringify({ ...manifest, files: { int8Cpu } }));
}

export async function benchModelSwitch(
  { cameras: count, fps, switches, seconds }: SwitchOptions,
  say: (line: string) => void = () => undefined,
) {
  const directory = mkdtempSync(join(tmpdir(), "sightline-bench-switch-"));
  const models = join(directory, "models");
  twoVersions(models);
  const ports = await stackPorts();
  const env = { SIGHTLINE_MODEL_DIR: models, SIGHTLINE_LOG_LEVEL: "warn" };
  const stack = await Stack.start({ directory, ports, env }, AbortSignal.timeout(100_000));
  const server = await RtspCameras.start({ count, logFile: join(directory, "cameras.log") });
  const client = connect(`127.0.0.1:${ports.grpc}`);
  const stop = new AbortController();
  try {
    const seen: Seen[] = [];
    const read = async () => {
      for await (const event of client.detections.subscribe({ includeEmpty: true, signal: stop.signal })) {
        if (event.kind !== "frame" || !event.frame.frame) continue;
        const { camera, epoch, number } = event.frame.frame;
        seen.push({
          camera: `${camera}:${epoch}`,
          number,
          version: event.frame.inference?.modelVersion ?? "",
          at: performance.now(),
          latencyMs: latencyOf(event.frame),
          queueMs: (event.frame.timings?.queueUs ?? 0) / 1000,
          batchMs: (event.frame.timings?.batchUs ?? 0) / 1000,
          inferMs: (event.frame.timings?.inferUs ?? 0) / 1000,
        });
      }
    };
    void read();
    for (const name of server.names)
      await client.cameras.register(name, { uri: server.url(name), targetFps: fps });
    while (new Set(seen.map(({ camera }) => camera)).size < count) await delay(100);
    await delay(5_000);
    const pid = stack.process("inference").child.pid!;
    const rss = async () => (await processUsage(pid)).rssBytes / 1024 ** 2;
    const steadyFrom = performance.now();
    await delay(Math.max(15, seconds) * 1000);
    const steadyTo = performance.now();
    const memory = [await rss()];
    const durations: number[] = [];
    const during: [number, number][] = [];
    const versions = (await client.models.versions(model)).map(({ version }) => version);
    for (let n = 1; n <= switches; n++) {
      const from = performance.now();
      const { version } = await client.models.activate(model, versions[n % 2]!);
      during.push([from, performance.now() + 1_000]);
      durations.push(performance.now() - from);
      await delay(seconds * 1000);
      memory.push(await rss());
      say(
        `switch ${n} to ${version.version}: ${(durations.at(-1)! / 1000).toFixed(1)} s, RSS ${memory.at(-1)!.toFixed(0)} MiB`,
      );
    }
    const ingest = await Scrape.of(`127.0.0.1:${ports.ingest}`);
    const dropped = (reason: string) => ingest.sum("sightline_frames_dropped_total", { reason }) ?? 0;
    const inSteady = seen.filter(({ at }) => at >= steadyFrom && at < steadyTo);
    const inSwitch = seen.filter(({ at }) => during.some(([from, to]) => at >= from && at < to));
    const p = (frames: readonly Seen[], q: number) =>
      quantile(
        frames.map(({ latencyMs }) => latencyMs),
        q,
      );
    /** p99 of each part of the latency. */
    const parts = (frames: readonly Seen[]) => ({
      queue: quantile(
        frames.map(({ queueMs }) => queueMs),
        0.99,
      ),
      batch: quantile(
        frames.map(({ batchMs }) => batchMs),
        0.99,
      ),
      infer: quantile(
        frames.map(({ inferMs }) => inferMs),
        0.99,
      ),
    });
    return {
      framesPerSecond: (inSteady.length * 1000) / (steadyTo - steadyFrom),
      frames: seen.length,
      doubled: seen.length - new Set(seen.map(({ camera, number }) => `${camera}:${number}`)).size,
      workerLost: dropped("worker_lost"),
      workerError: dropped("worker_error"),
      stale: dropped("stale"),
      superseded: dropped("superseded"),
      switches,
      versionsSeen: new Set(seen.map(({ version }) => version)).size,
      secondsOfSwitch: { median: quantile(durations, 0.5) / 1000, longest: Math.max(...durations) / 1000 },
      steadyMs: {
        frames: inSteady.length,
        p50: p(inSteady, 0.5),
        p99: p(inSteady, 0.99),
        parts: parts(inSteady),
      },
      switchMs: {
        frames: inSwitch.length,
        p50: p(inSwitch, 0.5),
        p99: p(inSwitch, 0.99),
        parts: parts(inSwitch),
      },
      rssMib: { before: memory[0], first: memory[1], last: memory.at(-1), most: Math.max(...memory) },
    };
  } finally {
    stop.abort();
    client.close();
    await server.stop();
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      cameras: { type: "string", default: "4" },
      fps: { type: "string", default: "5" },
      switches: { type: "string", default: "20" },
      seconds: { type: "string", default: "3" },
      json: { type: "boolean", default: false },
    },
  });
  const options = {
    cameras: Number(values.cameras),
    fps: Number(values.fps),
    switches: Number(values.switches),
    seconds: Number(values.seconds),
  };
  const report = await benchModelSwitch(options, (line) => console.error(line));
  if (values.json) console.log(JSON.stringify(report));
  else console.log(report);
}
