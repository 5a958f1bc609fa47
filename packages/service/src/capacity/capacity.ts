import type { WorkerInfo } from "@sightline/contracts";

type Curve = Readonly<WorkerInfo["batchCurve"]>;

/** Below this share of busy time, the runs say too little about how fast the worker is. */
const leastBusy = 0.2;

/** Expected milliseconds for a run of `batch` frames: interpolated between the measured points, and in proportion beyond them. */
export function runMs(curve: Curve, batch: number): number {
  const above = curve.find((point) => point.batch >= batch);
  const below = curve.findLast((point) => point.batch <= batch);
  if (!above) return (below!.milliseconds * batch) / below!.batch;
  if (!below || below === above) return (above.milliseconds * batch) / above.batch;
  const share = (batch - below.batch) / (above.batch - below.batch);
  return below.milliseconds + share * (above.milliseconds - below.milliseconds);
}

/**
 * Frames per second that the workers of a model can infer in full batches: as measured when the model was loaded, corrected by the present
 * duration of runs. A worker with several models gives each an equal part of its time. Undefined when nothing is known about the model's
 * capacity.
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

/** All models in the worker's process: its first model, and those loaded later, whose IDs are the first one's ID followed by their model's name. */
function lanesOf({ id, model }: WorkerInfo, workers: readonly WorkerInfo[]): WorkerInfo[] {
  const isLane = (lane: WorkerInfo, main: string) => lane.id === `${main}-${lane.model}`;
  const main = workers.find((other) => id === `${other.id}-${model}`)?.id ?? id;
  return workers.filter((each) => each.id === main || isLane(each, main));
}

/**
 * How many times longer runs take now than when they were measured; 1 when too few have run to tell. Several sessions were measured side by
 * side: if runs are shorter while one session runs alone, that is not free capacity.
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

/** A camera's guaranteed frame rate in frames/s, and its priority among the cameras with one. */
export interface Floor {
  camera: string;
  floorFps: number;
  /** Floors with a higher priority are held first. */
  priority: number;
}

/** Share of the workers' capacity that may be promised. The measurement is not exact, and cameras without a floor use the rest. */
export const promisable = 0.9;
/** Share that floors may use before some are cut. It is larger than `promisable`, so that a small measurement error cuts no floor. */
const holdable = 0.97;

/**
 * How much of each floor is held, in frames/s: first all floors of the highest priority, then of the next. At the priority where the
 * capacity ends, all floors are cut in the same proportion. If the capacity is unknown, none is cut.
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
