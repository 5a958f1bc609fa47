import type { WorkerInfo } from "@sightline/contracts";

type Curve = Readonly<WorkerInfo["batchCurve"]>;

/** Below this share of busy time what ran says too little of how fast the worker is. */
const leastBusy = 0.2;

/** Expected milliseconds of a run of `batch` frames, between and beyond the measured points in proportion. */
export function runMs(curve: Curve, batch: number): number {
  const above = curve.find((point) => point.batch >= batch);
  const below = curve.findLast((point) => point.batch <= batch);
  if (!above) return (below!.milliseconds * batch) / below!.batch;
  if (!below || below === above) return (above.milliseconds * batch) / above.batch;
  const share = (batch - below.batch) / (above.batch - below.batch);
  return below.milliseconds + share * (above.milliseconds - below.milliseconds);
}

/**
 * Frames per second that the workers of a model can run, of full batches: as measured when the model was loaded, corrected by how long runs take
 * now. Where a worker serves several models, each has its turn: an equal part of the time. Undefined when nothing of it is known.
 */
export function modelCapacity(workers: readonly WorkerInfo[], model: string): number | undefined {
  const serving = workers.filter((worker) => worker.model === model && worker.batchCurve.length > 0);
  if (serving.length === 0) return undefined;
  return serving.reduce((sum, worker) => {
    const lanes = lanesOf(worker, workers);
    const { batchSize, batchCurve, sessions = 1 } = worker;
    const ms = runMs(batchCurve, batchSize) * slowness(lanes);
    return sum + (sessions * batchSize * 1000) / (ms * lanes.length);
  }, 0);
}

/** All that runs in the worker's process: its first model and those that it has loaded, which have their name behind the worker's. */
function lanesOf({ id, model }: WorkerInfo, workers: readonly WorkerInfo[]): WorkerInfo[] {
  const isLane = (lane: WorkerInfo, main: string) => lane.id === `${main}-${lane.model}`;
  const main = workers.find((other) => id === `${other.id}-${model}`)?.id ?? id;
  return workers.filter((each) => each.id === main || isLane(each, main));
}

/**
 * How many times longer runs take now than when they were measured; 1 when too few have run to tell. Those of several sessions were measured
 * beside each other: that they are shorter while one runs alone is no room for more.
 */
function slowness(lanes: readonly WorkerInfo[]): number {
  const busy = lanes[0]?.utilization ?? 0;
  const expected = lanes.reduce((sum, { framesPerSecond, meanBatchSize, batchCurve, sessions = 1 }) => {
    if (meanBatchSize === 0 || batchCurve.length === 0) return sum;
    return sum + ((framesPerSecond / meanBatchSize) * runMs(batchCurve, meanBatchSize)) / 1000 / sessions;
  }, 0);
  if (busy < leastBusy || expected === 0) return 1;
  const least = lanes.some(({ sessions = 1 }) => sessions > 1) ? 1 : 0;
  return Math.max(least, busy / expected);
}

/** What a camera asks for first, in frames/s, and its place among those that ask. */
export interface Floor {
  camera: string;
  floorFps: number;
  /** The higher, the earlier it is held. */
  priority: number;
}

/** Share of the workers' capacity that may be promised: what is measured is not exact, and cameras without a floor live from the rest. */
export const promisable = 0.9;
/** Share that floors may take before some are cut: more than may be promised, so that a small error of the measurement cuts none. */
const holdable = 0.97;

/**
 * What is held of each floor, in frames/s: all of those of the highest priority, then of the next. Those of the priority with which the capacity
 * ends are cut in one proportion. An unknown capacity cuts none.
 */
export function holdFloors(floors: readonly Floor[], capacity: number | undefined): Map<string, number> {
  const held = new Map<string, number>();
  let left = capacity === undefined ? Infinity : holdable * capacity;
  for (const priority of [...new Set(floors.map((floor) => floor.priority))].sort((a, b) => b - a)) {
    const level = floors.filter((floor) => floor.priority === priority);
    const asked = level.reduce((sum, { floorFps }) => sum + floorFps, 0);
    const share = asked === 0 ? 1 : Math.min(1, left / asked);
    for (const { camera, floorFps } of level) held.set(camera, share * floorFps);
    left = Math.max(0, left - asked);
  }
  return held;
}
