/**
 * What cameras with weights and floors get of workers that cannot do all: two ingests, two workers whose runs take a fixed time.
 * `node test/bench/admission.ts [--json] [--seconds N]`
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type CameraShare, encodeJson, FrameDetections, readyStream } from "@sightline/contracts";
import { type Buckets, ensureStream, holdFloors } from "@sightline/service";
import { BenchProcess } from "./bench-process.ts";
import { type BenchNats, registerCameras, startBenchSystem } from "./bench-system.ts";
import type { FixedWorkerCounts, FixedWorkerSettings } from "./fixed-worker-process.ts";
import { jain, quantile } from "./measure.ts";
import type { ShareHolderCounts, ShareHolderSettings } from "./share-holder-process.ts";

const model = "bench";
const side = 64;
const runMs = 50;
/** Of a camera of weight 1, to tell how fair the shares are. */
const enoughFrames = 4;
/** Measurements begin so long after a change. */
const settleMs = 10_000;

interface BenchCamera extends CameraShare {
  id: string;
  fps: number;
}

const alike = (count: number, name: string, camera: Omit<BenchCamera, "id">): BenchCamera[] =>
  Array.from({ length: count }, (_, i) => ({ ...camera, id: `${name}-${i + 1}` }));

/** 182 frames/s offered, and 17 of them promised. Two workers run 40. */
const shared: readonly BenchCamera[] = [
  ...alike(8, "plain", { fps: 10 }),
  ...alike(2, "double", { fps: 15, weight: 2 }),
  ...alike(1, "fourfold", { fps: 30, weight: 4 }),
  { id: "gate", fps: 10, floorFps: 6, priority: 1 },
  { id: "yard", fps: 25, floorFps: 8 },
  { id: "hall", fps: 7, weight: 0.5, floorFps: 3 },
];

export interface PhaseReport {
  name: string;
  /** Frames per second offered, inferred, and that the workers could. */
  offered: number;
  inferred: number;
  capacity: number;
  /** Of the cameras with a floor: frames per second held of it by the plan, and got. */
  floors: { camera: string; floor: number; held: number; got: number }[];
  /** Of rate over weight, of the cameras that have no floor; null when too few of their frames were inferred to tell. */
  jain: number | null;
  /** Share of the tokens that brought no frame. */
  void: number;
  /** Milliseconds from capture to the start of inference. */
  startedMs: { p50: number; p99: number };
}

/** Measures with a NATS server and processes of its own. */
export async function benchAdmission(
  { seconds }: { seconds: number },
  say: (line: string) => void = () => undefined,
): Promise<PhaseReport[]> {
  const { nats, connection, manager, buckets, stop } = await startBenchSystem();
  const processes: { stop(): Promise<void> }[] = [];
  const holders: BenchProcess<ShareHolderCounts>[] = [];
  const counts = new Map<string, number>();
  const ages: number[] = [];
  connection.subscribe("detections.*", {
    callback: (_error, { subject, data }) => {
      const camera = subject.slice("detections.".length);
      counts.set(camera, (counts.get(camera) ?? 0) + 1);
      const { timings } = FrameDetections.decode(data);
      ages.push((timings!.decodeUs + timings!.queueUs + timings!.batchUs) / 1_000);
    },
  });
  const phases: PhaseReport[] = [];
  const measure = async (name: string, cameras: readonly BenchCamera[], capacity: number) => {
    await delay(settleMs);
    const before = await Promise.all(holders.map((holder) => holder.counts()));
    counts.clear();
    ages.length = 0;
    const begin = performance.now();
    await delay(seconds * 1_000);
    const report = reportOf(name, cameras, capacity, counts, (performance.now() - begin) / 1_000);
    const after = await Promise.all(holders.map((holder) => holder.counts()));
    const sum = (key: "taken" | "void") =>
      after.reduce((total, each, i) => total + each[key] - before[i]![key], 0);
    const startedMs = { p50: quantile(ages, 0.5), p99: quantile(ages, 0.99) };
    phases.push({ ...report, startedMs, void: sum("void") / (sum("taken") + sum("void")) });
    say(phaseLine(phases.at(-1)!));
  };
  try {
    await ensureStream(manager, readyStream(1));
    await registerCameras(buckets, model, shared);
    const first = await startWorker(nats, "w1");
    processes.push(first);
    const second = await startWorker(nats, "w2");
    // Every other camera in each.
    for (const index of [0, 1]) {
      const cameras = shared.filter((_, i) => i % 2 === index);
      const settings: ShareHolderSettings = { nats, model, side, ingest: `i${index}`, cameras };
      holders.push(await BenchProcess.start("./share-holder-process.ts", settings));
    }
    const equal = shared.map(({ id, fps }) => ({ id, fps }));
    await measure("no shares", equal, 40);
    await share(buckets, shared);
    await measure("weights and floors", shared, 40);
    await second.stop();
    await measure("one worker left", shared, 20);
    const larger = shared.map((camera) => (camera.id === "yard" ? { ...camera, floorFps: 18 } : camera));
    await share(buckets, larger);
    await measure("more promised than one worker can", larger, 20);
    return phases;
  } finally {
    await Promise.all([...processes, ...holders].map((each) => each.stop()));
    await stop();
  }
}

function startWorker(nats: BenchNats, announceAs: string): Promise<BenchProcess<FixedWorkerCounts>> {
  const settings: FixedWorkerSettings = {
    ...{ nats, model, announceAs, runMs },
    ...{ width: side, height: side, batchSize: 1 },
  };
  return BenchProcess.start<FixedWorkerCounts>("./fixed-worker-process.ts", settings);
}

async function share(buckets: Buckets, cameras: readonly BenchCamera[]): Promise<void> {
  for (const { id, fps: _, ...given } of cameras)
    if (Object.keys(given).length > 0) await buckets.cameraShares.put(id, encodeJson(given));
}

function reportOf(
  name: string,
  cameras: readonly BenchCamera[],
  capacity: number,
  counts: ReadonlyMap<string, number>,
  seconds: number,
): Omit<PhaseReport, "void" | "startedMs"> {
  const got = (id: string) => (counts.get(id) ?? 0) / seconds;
  const floors = cameras.flatMap(({ id: camera, floorFps, priority = 0 }) =>
    floorFps === undefined ? [] : [{ camera, floorFps, priority }],
  );
  const inferred = cameras.reduce((sum, { id }) => sum + got(id), 0);
  // On a busy machine they run fewer than they should.
  const held = holdFloors(floors, Math.min(capacity, inferred));
  const others = cameras.filter(({ floorFps }) => floorFps === undefined);
  const byWeight = others.map(({ id, weight = 1 }) => got(id) / weight);
  return {
    name,
    offered: cameras.reduce((sum, { fps }) => sum + fps, 0),
    inferred,
    capacity,
    floors: floors.map(({ camera, floorFps }) => ({
      ...{ camera, floor: floorFps },
      ...{ held: held.get(camera) ?? 0, got: got(camera) },
    })),
    jain: seconds * Math.min(...byWeight) < enoughFrames ? null : jain(byWeight),
  };
}

function phaseLine({ name, offered, inferred, capacity, floors, ...report }: PhaseReport): string {
  const held = floors.map(
    ({ camera, got, held: promised, floor }) =>
      `${camera} ${got.toFixed(2)} of ${promised.toFixed(2)}${promised < floor ? ` (floor ${floor})` : ""}`,
  );
  const fairness =
    report.jain === null
      ? "too few frames to tell of weights"
      : `Jain over weights ${report.jain.toFixed(4)}`;
  const rates = `${inferred.toFixed(1)}/s of ${offered}/s, workers run ${capacity}/s`;
  return `${name}: ${rates}; ${fairness}, age at the start of inference ${report.startedMs.p50.toFixed(0)}/${report.startedMs.p99.toFixed(0)} ms (p50/p99), void tokens ${(100 * report.void).toFixed(1)}%${held.length > 0 ? `; floors: ${held.join(", ")}` : ""}`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      seconds: { type: "string", default: "30" },
    },
  });
  const report = await benchAdmission({ seconds: Number(values.seconds) }, (line) => console.error(line));
  if (values.json) console.log(JSON.stringify(report));
}
