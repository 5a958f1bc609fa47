/**
 * What ingest costs against one bare ffmpeg for each camera that receives, decodes and scales the same stream to nowhere. Both run
 * at the same time, so that both meet the same machine. CPU of all processes is counted, ingest's ffmpegs too.
 * `node test/bench/ingest.ts [--cameras N] [--fps R] [--seconds S] [--rounds N] [--json]`
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type CameraRecord, CameraStatus, encodeJson, type ServedModel } from "@sightline/contracts";
import { findFfmpeg } from "@sightline/rtsp";
import { Announcement, connectNats, createLogger, ensureStreams, openBuckets } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { RtspCameras } from "@sightline/stack";
import { letterboxFilters } from "../../services/ingest/src/analysis-geometry.ts";
import { median, processUsage } from "./measure.ts";

const clipFps = 10;
/** As the shipped model's. */
const model: ServedModel = {
  ...{ name: "bench", architecture: "none", classes: ["person"] },
  ...{ width: 512, height: 384, longestSide: 512, padValue: 114 },
};
const log = createLogger("bench", "error");

export interface IngestOptions {
  cameras: number;
  /** Frames per second of each. */
  fps: number;
  seconds: number;
  rounds: number;
}

/** Milliseconds of CPU a second. */
interface Round {
  bare: number;
  node: number;
  ffmpeg: number;
  ratio: number;
}

/** Processes that this one has started, at once or through another. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

async function cpuMs(pids: readonly number[]): Promise<number> {
  const used = await Promise.all(pids.map((pid) => processUsage(pid)));
  return used.reduce((sum, { cpuSeconds }) => sum + cpuSeconds * 1000, 0);
}

/** Measures ingest, with nobody taking its frames, beside bare ffmpegs. */
export async function benchIngest(
  { cameras: count, fps, seconds, rounds }: IngestOptions,
  say: (line: string) => void = () => undefined,
): Promise<{ rounds: Round[]; ratio: number }> {
  const folder = mkdtempSync(join(tmpdir(), "sightline-ingest-"));
  const server = await NatsServer.start();
  const nats = await connectNats(server.url, "bench", log);
  await ensureStreams(nats.manager, { maxAgeSeconds: 3600, maxBytes: 1e8, replicas: 1 });
  const buckets = await openBuckets(nats.kv);
  const announcement = new Announcement(buckets.models, model.name, () => model, log);
  await announcement.start();
  const cameras = await RtspCameras.start({
    count,
    speed: fps / clipFps,
    logFile: join(folder, "cameras.log"),
  });
  const ffmpegPath = await findFfmpeg(process.env.FFMPEG_PATH);
  const children: ChildProcess[] = [];
  try {
    const main = fileURLToPath(new URL("../../services/ingest/src/main.ts", import.meta.url));
    const ingest = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main], {
      env: { ...process.env, SIGHTLINE_NATS_URL: server.url, SIGHTLINE_INGEST_HTTP: "127.0.0.1:0" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    children.push(ingest);
    for await (const line of createInterface({ input: ingest.stderr! }))
      if (line.includes("ingest is ready")) break;
    ingest.stderr!.resume();
    for (const name of cameras.names) {
      const now = new Date().toISOString();
      const record: CameraRecord = {
        ...{
          uri: cameras.url(name),
          transport: "tcp",
          targetFps: 0,
          model: model.name,
          minScore: 0,
          classes: [],
        },
        ...{ hasCredentials: false, createTime: now, updateTime: now },
      };
      await buckets.cameras.put(name, encodeJson(record));
    }
    for (const name of cameras.names)
      children.push(
        spawn(
          ffmpegPath,
          [
            ...["-nostdin", "-loglevel", "error", "-threads", "1", "-filter_threads", "1"],
            ...["-rtsp_transport", "tcp", "-allowed_media_types", "video", "-i", cameras.url(name)],
            ...["-map", "0:v:0", "-vf", letterboxFilters(model).join(","), "-fps_mode", "passthrough"],
            ...["-c:v", "wrapped_avframe", "-f", "null", "-"],
          ],
          { stdio: "ignore" },
        ),
      );
    const captured = async () => {
      const entries = await Promise.all(cameras.names.map((name) => buckets.cameraStatus.get(name)));
      return entries.map((entry) => (entry ? (CameraStatus.decode(entry.value).ledger?.captured ?? 0) : 0));
    };
    while ((await captured()).some((frames) => frames < 2 * fps)) await delay(200);
    const bare = children.slice(1).map(({ pid }) => pid!);
    const results: Round[] = [];
    for (let round = 0; round < rounds; round++) {
      const decoders = childrenOf(ingest.pid!);
      const usage = () => Promise.all([cpuMs(bare), cpuMs([ingest.pid!]), cpuMs(decoders)]);
      const [before, begin] = [await usage(), performance.now()];
      await delay(seconds * 1000);
      const after = await usage();
      const took = (performance.now() - begin) / 1000;
      const [bareMs, node, ffmpeg] = after.map((ms, i) => (ms - before[i]!) / took) as [
        number,
        number,
        number,
      ];
      results.push({ bare: bareMs, node, ffmpeg, ratio: (node + ffmpeg) / bareMs });
      say(
        `round ${round + 1}: bare ${bareMs.toFixed(0)}, ingest ${(node + ffmpeg).toFixed(0)} ms/s (Node ${node.toFixed(0)}), ratio ${results.at(-1)!.ratio.toFixed(2)}`,
      );
    }
    return { rounds: results, ratio: median(results.map(({ ratio }) => ratio)) };
  } finally {
    for (const child of children) child.kill(child === children[0] ? "SIGTERM" : "SIGKILL");
    await Promise.all(
      children.map(
        (child) => child.exitCode ?? child.signalCode ?? new Promise((end) => child.once("exit", end)),
      ),
    );
    await announcement.stop(false);
    await cameras.stop();
    await nats.connection.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      cameras: { type: "string", default: "4" },
      fps: { type: "string", default: "10" },
      seconds: { type: "string", default: "10" },
      rounds: { type: "string", default: "3" },
      json: { type: "boolean", default: false },
    },
  });
  const { cameras, fps, seconds, rounds } = values;
  const numbers = {
    cameras: Number(cameras),
    fps: Number(fps),
    seconds: Number(seconds),
    rounds: Number(rounds),
  };
  const report = await benchIngest(numbers, (line) => console.error(line));
  if (values.json) console.log(JSON.stringify(report));
  else console.error(`ingest / ffmpeg to null: ${report.ratio.toFixed(2)}`);
}
