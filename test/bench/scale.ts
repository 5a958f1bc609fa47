/**
 * What a camera and a frame cost in each process, at several numbers of workers, ingests, results, cameras and frames: real NATS, cameras over
 * RTSP, services, and workers whose model takes a fixed time. The costs are fitted, and say how many cameras a core of each carries.
 * `node test/bench/scale.ts [--json] [--seconds N] [--smoke]`
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runFfmpeg } from "@sightline/media";
import { findFfmpeg } from "@sightline/rtsp";
import { projectRoot } from "@sightline/stack";
import { type CostFit, camerasPerCore, fitCosts } from "./cost-fit.ts";
import { type CellReport, measureCell, type ProcessKind } from "./scale-measure.ts";
import { runMs, type ScaleCell } from "./scale-rig.ts";

type Size = "480p" | "1080p";
type Plan = Omit<ScaleCell, "clip"> & { size: Size };

const usual: Plan = {
  ...{ workers: 4, ingests: 1, results: 1, cameras: 16, fps: 5, objects: 4 },
  ...{ events: false, subscribers: 1, size: "480p" },
};
/** More is sent than one worker or two can do; then the same to more ingests. */
const scaleOut: Plan[] = [
  ...[1, 2, 4].map((workers) => ({ ...usual, workers })),
  ...[2, 4].map((ingests) => ({ ...usual, ingests })),
];
/** Each of these has much of one kind of work. */
const loads: Plan[] = [
  { ...usual, workers: 1, cameras: 2 },
  { ...usual, workers: 1, cameras: 40, fps: 0.5 },
  { ...usual, workers: 2, cameras: 4, fps: 10, objects: 0 },
  { ...usual, workers: 2, cameras: 8, objects: 24 },
  { ...usual, workers: 2, cameras: 8, events: true },
  { ...usual, workers: 2, cameras: 8, subscribers: 50 },
  { ...usual, workers: 2, cameras: 32, fps: 1, results: 2 },
  { ...usual, cameras: 12, results: 2 },
  { ...usual, workers: 1, cameras: 4, size: "1080p" },
];
const smoke: Plan[] = [{ ...usual, workers: 1, cameras: 2 }];

const kindsOf: Record<Exclude<ProcessKind, "decoder">, string[]> = {
  nats: ["process", "camera", "frame", "frame to further results", "event"],
  ingest: ["process", "camera", "captured", "inferred", "event"],
  worker: ["process", "frame", "object"],
  results: [
    ...["process", "camera", "camera of all", "frame analysed", "object analysed", "frame of all"],
    ...["event of all", "delivered"],
  ],
};

/** What is planned for: each camera's frames, objects in a frame, and events. */
const assumed = { fps: 5, objects: 4, eventsPerMinute: 1, subscribers: 2 };

export interface ScaleReport {
  cells: CellReport[];
  /** Milliseconds of processor for each unit of work, and for each second of `process` and `camera`. */
  costs: Record<string, CostFit>;
  /** Cameras that 70% of a core carries, with one process of results. */
  camerasPerCore: Record<string, number>;
}

async function makeClip(directory: string, size: Size): Promise<string> {
  const path = join(directory, `${size}.mp4`);
  const scale = size === "480p" ? "640:480" : "1920:1080";
  const encode = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", "10"];
  await runFfmpeg(await findFfmpeg(process.env.FFMPEG_PATH), [
    ...["-nostdin", "-loglevel", "error", "-i", join(projectRoot, "test/fixtures/pedestrians.mp4")],
    ...["-y", "-an", "-vf", `scale=${scale}`, ...encode, path],
  ]);
  return path;
}

/** Runs the cells one after the other, and fits what each process's work costs. */
export async function benchScale(
  { seconds, smoke: isSmoke }: { seconds: number; smoke: boolean },
  say: (line: string) => void = () => undefined,
): Promise<ScaleReport> {
  const directory = await mkdtemp(join(tmpdir(), "sightline-scale-clips-"));
  const plans = isSmoke ? smoke : [...scaleOut, ...loads];
  const measured: { report: CellReport; size: Size }[] = [];
  try {
    const clips = { "480p": await makeClip(directory, "480p"), "1080p": await makeClip(directory, "1080p") };
    say(
      `a worker does ${1_000 / runMs} frames/s; cost in ms of processor a second: NATS, ingests, decoders, workers, results`,
    );
    for (const { size, ...plan } of plans) {
      // On a machine that is too busy for the largest, the others still tell.
      const report = await measureCell({ ...plan, clip: clips[size] }, seconds).catch((error: Error) => {
        say(`not measured: ${JSON.stringify(plan)}: ${error.message}`);
      });
      if (!report) continue;
      measured.push({ report, size });
      say(cellLine(report));
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  const cells = measured.map(({ report }) => report);
  if (isSmoke) return { cells, costs: {}, camerasPerCore: {} };
  const samples = (kind: ProcessKind, of: readonly CellReport[] = cells) =>
    of.flatMap(({ processes }) => processes.filter((each) => each.kind === kind));
  const ofSize = (size: Size) => measured.filter((each) => each.size === size).map(({ report }) => report);
  const costs: Record<string, CostFit> = {};
  for (const [kind, kinds] of Object.entries(kindsOf))
    costs[kind] = fitCosts(samples(kind as ProcessKind, kind === "ingest" ? ofSize("480p") : cells), kinds);
  for (const size of ["480p", "1080p"] as const)
    costs[`decoder ${size}`] = fitCosts(samples("decoder", ofSize(size)), ["captured"]);
  return { cells, costs, camerasPerCore: carried(costs) };
}

function carried(costs: Readonly<Record<string, CostFit>>): Record<string, number> {
  const { fps, objects, eventsPerMinute, subscribers } = assumed;
  // An event is a message at its begin and one at its end.
  const event = (2 * eventsPerMinute) / 60;
  const loads: Record<string, Record<string, number>> = {
    nats: { camera: 1, frame: fps, event },
    ingest: { camera: 1, captured: fps, inferred: fps, event },
    worker: { frame: fps, object: fps * objects },
    results: {
      ...{ camera: 1, "camera of all": 1, "frame analysed": fps, "object analysed": fps * objects },
      ...{ "frame of all": fps, "event of all": event, delivered: fps * subscribers },
    },
    "decoder 480p": { captured: fps },
    "decoder 1080p": { captured: fps },
  };
  return Object.fromEntries(
    Object.entries(loads).map(([name, load]) => [name, camerasPerCore(costs[name]!.costs, load)]),
  );
}

function cellLine({ cell, captured, inferred, events, nats, processes, ...report }: CellReport): string {
  const cost = (kind: ProcessKind) =>
    processes
      .filter((each) => each.kind === kind)
      .map((each) => each.cost.toFixed(0))
      .join("+");
  const used = (["nats", "ingest", "decoder", "worker", "results"] as const).map(cost).join(", ");
  return `${cell.workers} workers, ${cell.ingests} ingests, ${cell.results} results, ${cell.cameras} cameras × ${cell.fps}/s, ${cell.objects} objects, ${cell.subscribers} subscribers: ${captured.toFixed(1)}/s sent, ${inferred.toFixed(1)}/s inferred, ${events.toFixed(1)} events/s; Jain of workers ${report.evenWorkers.toFixed(3)}, of ingests ${report.evenIngests.toFixed(3)}; ${used}; NATS ${nats.messagesIn.toFixed(0)} in, ${nats.messagesOut.toFixed(0)} out, ${(nats.bytesOut / 1e6).toFixed(2)} MB/s out, ${report.consumers} consumers`;
}

function summary({ costs, camerasPerCore: carries }: ScaleReport): string[] {
  return Object.entries(costs).map(([name, fit]) => {
    const each = Object.entries(fit.costs).map(([kind, ms]) => `${kind} ${ms.toFixed(2)}`);
    return `${name}: ${each.join(", ")} ms (fit within ${(100 * fit.error).toFixed(0)}%); ${carries[name]} cameras at ${assumed.fps}/s in 70% of a core`;
  });
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      seconds: { type: "string", default: "10" },
      smoke: { type: "boolean", default: false },
    },
  });
  const options = { seconds: Number(values.seconds), smoke: values.smoke };
  const report = await benchScale(options, (line) => console.error(line));
  if (values.json) console.log(JSON.stringify(report));
  else for (const line of summary(report)) console.log(line);
}
